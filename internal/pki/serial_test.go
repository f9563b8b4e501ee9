package pki

import (
	"crypto/x509"
	"encoding/asn1"
	"math/big"
	"path/filepath"
	"strings"
	"testing"
)

func TestNewSerial(t *testing.T) {
	const count = 1000
	seen := map[string]bool{}
	ever, always := new(big.Int), new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 127), big.NewInt(1))
	everyBit := new(big.Int).Set(always)
	for range count {
		serial, err := NewSerial()
		if err != nil {
			t.Fatal(err)
		}
		if serial.Sign() <= 0 {
			t.Fatalf("%s is not positive", serial)
		}
		der, err := asn1.Marshal(serial)
		if err != nil {
			t.Fatal(err)
		}
		if octets := len(der) - 2; octets > maxSerialOctets {
			t.Fatalf("%s takes %d octets", serial, octets)
		}
		if seen[serial.String()] {
			t.Fatalf("%s came twice", serial)
		}
		seen[serial.String()] = true
		ever.Or(ever, serial)
		always.And(always, serial)
	}
	// A bit that does not vary is no random one: RFC 5280's profile asks for
	// 64 of them, the project for 120.
	if ever.Cmp(everyBit) != 0 || always.Sign() != 0 {
		t.Errorf("of 127 bits some never vary: ever set %x, always set %x", ever, always)
	}
}

func TestParseSerial(t *testing.T) {
	twenty := strings.Repeat("7f", 20)
	for text, want := range map[string]string{
		"3b:1c:06":        "3b1c06",
		"3B1C06":          "3b1c06",
		"0x3b1c06":        "3b1c06",
		"0X3B1C06":        "3b1c06",
		"0x3b:1c:06":      "3b1c06",
		"  3b:1c:06\n":    "3b1c06",
		"b1c06":           "b1c06", // an odd count of digits
		"1":               "1",
		"01":              "1",
		"00:01":           "1",
		"0x0":             "",
		"8f":              "8f",
		twenty:            twenty,
		"00" + twenty:     twenty, // the sign octet of DER does not count
		"0x" + twenty[1:]: twenty[1:],
		strings.ToUpper("8f:" + FormatHex(make([]byte, 15)) + ":ab"): "8f" + strings.Repeat("00", 15) + "ab",
	} {
		serial, err := ParseSerial(text)
		if want == "" {
			if err == nil {
				t.Errorf("%q was read as %x", text, serial)
			}
			continue
		}
		if err != nil {
			t.Errorf("%q: %v", text, err)
		} else if got := serial.Text(16); got != want {
			t.Errorf("%q was read as %s, want %s", text, got, want)
		}
	}
}

func TestParseSerialRefuses(t *testing.T) {
	const notHex = "not a number in hex"
	for text, words := range map[string]string{
		"":                             notHex,
		"   ":                          notHex,
		"0x":                           notHex,
		":":                            notHex,
		"3b:1c:6":                      notHex,
		"3b::06":                       notHex,
		"3b:1c:":                       notHex,
		"3b 1c 06":                     notHex,
		"-3b":                          notHex,
		"+3b":                          notHex,
		"3g":                           notHex,
		"0x0x3b":                       notHex,
		"serial=3B1C06":                notHex,
		"३":                            notHex,
		"0":                            "the serial number is zero",
		"00:00":                        "the serial number is zero",
		"0x00":                         "the serial number is zero",
		strings.Repeat("01", 21):       "more than 20 octets",
		"1" + strings.Repeat("00", 20): "more than 20 octets",
	} {
		_, err := ParseSerial(text)
		wantRefusal(t, err, "", words)
	}
}

func TestFormatSerial(t *testing.T) {
	for number, want := range map[int64]string{0: "00", 1: "01", 255: "ff", 256: "01:00", 0x3b1c06: "3b:1c:06"} {
		if got := FormatSerial(big.NewInt(number)); got != want {
			t.Errorf("%d is written %q, want %q", number, got, want)
		}
	}
	if got := FormatHex(nil); got != "" {
		t.Errorf("no octets are written %q", got)
	}
}

// TestSerialAsOpenSSL compares with what openssl prints of certificates that it
// has made itself.
func TestSerialAsOpenSSL(t *testing.T) {
	key := testKey(t, ECDSAP256)
	for _, given := range []string{
		"0x01", "0x7f", "0x80", "0xff", "0x1000", "0xabcdef",
		"0x7fffffffffffffff",                         // the longest that openssl also prints in decimal
		"0x8000000000000000",                         // and the first that it does not
		"0x0102030405060708090a0b0c0d0e0f10",         // as long as ours
		"0xf102030405060708090a0b0c0d0e0f10",         // with the bit that needs a sign octet
		"0x7fffffffffffffffffffffffffffffffffffffff", // 20 octets
	} {
		t.Run(given, func(t *testing.T) {
			cert := opensslCA(t, key, "", "-subj", "/CN=Serial", "-set_serial", given)
			path := writeTemp(t, EncodeCertificates(cert))

			parsed, err := ParseSerial(given)
			if err != nil {
				t.Fatal(err)
			}
			if cert.SerialNumber.Cmp(parsed) != 0 {
				t.Errorf("the serial number given was read as %x, the certificate has %x", parsed, cert.SerialNumber)
			}
			printed := strings.TrimPrefix(strings.TrimSpace(openSSL(t, "x509", "-noout", "-serial", "-in", path)), "serial=")
			parsed, err = ParseSerial(printed)
			if err != nil {
				t.Fatal(err)
			}
			if cert.SerialNumber.Cmp(parsed) != 0 {
				t.Errorf("%q, as `openssl x509 -serial` prints it, was read as %x", printed, parsed)
			}
			wantText(t, cert, openSSL(t, "x509", "-noout", "-text", "-in", path))
		})
	}
}

// wantText looks for the serial number in openssl's text: long ones stand there
// as FormatSerial writes them, short ones in brackets as 0x….
func wantText(t *testing.T, cert *x509.Certificate, text string) {
	t.Helper()
	_, after, _ := strings.Cut(text, "Serial Number:")
	line, _, _ := strings.Cut(strings.TrimSpace(after), "\n")
	if _, hex, short := strings.Cut(line, "("); short {
		parsed, err := ParseSerial(strings.TrimSuffix(hex, ")"))
		if err != nil {
			t.Fatal(err)
		}
		if cert.SerialNumber.Cmp(parsed) != 0 {
			t.Errorf("%q was read as %x", line, parsed)
		}
		return
	}
	if got := FormatSerial(cert.SerialNumber); got != line {
		t.Errorf("the serial number is written %q, openssl writes %q", got, line)
	}
}

// TestSerialOfOurs is the other way round: what this package issues is printed
// by openssl as FormatSerial writes it.
func TestSerialOfOurs(t *testing.T) {
	cert := newRoot(t, testKey(t, ECDSAP256), testNow).Certificate
	path := filepath.Join(t.TempDir(), "out")
	openSSL(t, "x509", "-noout", "-text", "-in", writeTemp(t, EncodeCertificates(cert)), "-out", path)
	wantText(t, cert, readBack(t, path))
}

func FuzzParseSerial(f *testing.F) {
	for _, text := range []string{"3b:1c:06", "3B1C06", "0x3b1c06", "", "0", "0x", ":", "1", "-1", "00:8f", strings.Repeat("f", 40), strings.Repeat("f", 41)} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		serial, err := ParseSerial(text)
		if err != nil {
			wantRefusal(t, err, "")
			return
		}
		if serial.Sign() <= 0 || len(serial.Bytes()) > maxSerialOctets {
			t.Fatalf("%q was read as %x", text, serial)
		}
		for _, form := range []string{FormatSerial(serial), strings.ToUpper(FormatSerial(serial)), serial.Text(16), "0x" + serial.Text(16)} {
			again, err := ParseSerial(form)
			if err != nil {
				t.Fatalf("%q, from %q: %v", form, text, err)
			}
			if again.Cmp(serial) != 0 {
				t.Fatalf("%q, from %q, was read as %x", form, text, again)
			}
		}
	})
}

func FuzzParseHex(f *testing.F) {
	for _, text := range []string{"3b:1c:06", "0X3B1C06", "a", "", "0x", ":", "aa:", ":aa", "a:a", "aa:bbcc", "00", "\t00\n"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		octets, err := ParseHex(text)
		if err != nil {
			wantRefusal(t, err, "", "not a number in hex")
			return
		}
		again, err := ParseHex(FormatHex(octets))
		if err != nil || string(again) != string(octets) || len(octets) == 0 {
			t.Fatalf("%q was read as %x, and that as %x (%v)", text, octets, again, err)
		}
	})
}
