package pki

import (
	"crypto/rand"
	"encoding/hex"
	"math/big"
	"strings"
)

// maxSerialOctets is the longest serial number that RFC 5280, 4.1.2.2, allows.
const maxSerialOctets = 20

// NewSerial returns a positive random serial number of 127 bits, so that no
// two certificates share one and nobody can foretell the next.
func NewSerial() (*big.Int, error) {
	for {
		octets := make([]byte, 16)
		if _, err := rand.Read(octets); err != nil {
			return nil, err
		}
		// The top bit is the sign in DER: cleared, the number takes 16 octets.
		octets[0] &= 0x7f
		if serial := new(big.Int).SetBytes(octets); serial.Sign() > 0 {
			return serial, nil
		}
	}
}

// FormatSerial writes a serial number as `openssl x509 -text` does: lower-case
// hex pairs joined by colons.
func FormatSerial(serial *big.Int) string {
	octets := serial.Bytes()
	if len(octets) == 0 {
		octets = []byte{0}
	}
	return FormatHex(octets)
}

// ParseSerial reads a serial number in hex: "3b:1c:06", "3B1C06" or
// "0x3b1c06". It refuses what RFC 5280 does not allow: zero, negative numbers
// and more than 20 octets.
func ParseSerial(text string) (*big.Int, error) {
	octets, err := ParseHex(text)
	if err != nil {
		return nil, err
	}
	serial := new(big.Int).SetBytes(octets)
	switch {
	case serial.Sign() == 0:
		return nil, &Error{
			Problem: "the serial number is zero",
			Why:     "A certificate's serial number is a positive integer (RFC 5280, 4.1.2.2).",
			Fix:     "Copy it from `openssl x509 -noout -serial -in cert.pem`.",
		}
	case len(serial.Bytes()) > maxSerialOctets:
		return nil, &Error{
			Problem: "the serial number has more than 20 octets",
			Why:     "RFC 5280, 4.1.2.2, allows no longer one.",
			Fix:     "Copy it from `openssl x509 -noout -serial -in cert.pem`.",
		}
	}
	return serial, nil
}

// FormatHex writes octets as lower-case hex pairs joined by colons.
func FormatHex(octets []byte) string {
	var out strings.Builder
	for i, b := range octets {
		if i > 0 {
			out.WriteByte(':')
		}
		out.WriteString(hex.EncodeToString([]byte{b}))
	}
	return out.String()
}

// ParseHex reads hex octets as FormatHex writes them, and as other tools do:
// in upper case, without colons, and with a leading 0x.
func ParseHex(text string) ([]byte, error) {
	refused := &Error{
		Problem: "not a number in hex",
		Why:     "It is written as hex pairs joined by colons, as `openssl x509 -text` prints it; upper case, a leading 0x and no colons are read too.",
		Fix:     "Write it like 3b:1c:06 or 0x3B1C06.",
	}
	digits := strings.TrimSpace(text)
	if len(digits) > 1 && digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'X') {
		digits = digits[2:]
	}
	if strings.Contains(digits, ":") {
		for _, pair := range strings.Split(digits, ":") {
			if len(pair) != 2 {
				return nil, refused
			}
		}
		digits = strings.ReplaceAll(digits, ":", "")
	}
	if digits == "" {
		return nil, refused
	}
	if len(digits)%2 == 1 {
		// `openssl x509 -serial` never drops a leading zero; a number printed
		// by another tool may.
		digits = "0" + digits
	}
	octets, err := hex.DecodeString(digits)
	if err != nil {
		return nil, refused
	}
	return octets, nil
}
