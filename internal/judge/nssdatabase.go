package judge

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"sync"
)

// nssTrusted marks a root that vouches for servers (C) and clients (T).
const nssTrusted = "CT,,"

// nssFiles are what a database consists of.
var nssFiles = []string{"cert9.db", "key4.db", "pkcs11.txt"}

// nssDatabases remembers what the files held after a series of steps: NSS's
// programs wait for the disk at each of them, and most questions of a test
// begin with the same.
var nssDatabases sync.Map // from [sha256.Size]byte to map[string][]byte

// nssStep is one call of a program that fills a database. The program gets the
// file besides its arguments.
type nssStep struct {
	program string
	args    []string
	file    string
}

// nssDatabase fills a database with the roots, the certificates that stand
// below them and the CRLs. What it returns is empty unless NSS refuses one of
// them: then it is what NSS says.
func (f folder) nssDatabase(trust, below, crls []string) string {
	f.t.Helper()
	steps := []nssStep{{program: "certutil", args: []string{"-N", "-d", "sql:.", "--empty-password"}}}
	add := func(kind, flags string, certs []string) {
		for n, cert := range certs {
			name := fmt.Sprintf("%s-%d", kind, n)
			steps = append(steps, nssStep{"certutil", []string{"-A", "-d", "sql:.", "-n", name, "-t", flags, "-a", "-i"}, cert})
		}
	}
	add("root", nssTrusted, trust)
	add("below", ",,", below)
	for _, crl := range crls {
		steps = append(steps, nssStep{"crlutil", []string{"-I", "-d", "sql:.", "-t", "1", "-i"}, f.der(crl)})
	}

	keys := make([][sha256.Size]byte, len(steps))
	done := 0
	for n := range steps {
		keys[n] = sha256.Sum256(fmt.Appendf(nil, "%q", steps[:n+1]))
		if files, ok := nssDatabases.Load(keys[n]); ok {
			f.write(files.(map[string][]byte))
			done = n + 1
		}
	}
	for n := done; n < len(steps); n++ {
		args := steps[n].args
		if steps[n].file != "" {
			args = append(args[:len(args):len(args)], f.file("import", steps[n].file))
		}
		if text, ok := f.run(steps[n].program, args...); !ok {
			return text
		}
		nssDatabases.Store(keys[n], f.read(nssFiles))
	}
	return ""
}

func (f folder) write(files map[string][]byte) {
	f.t.Helper()
	for name, content := range files {
		f.file(name, string(content))
	}
}

func (f folder) read(names []string) map[string][]byte {
	f.t.Helper()
	files := map[string][]byte{}
	for _, name := range names {
		content, err := os.ReadFile(filepath.Join(f.path, name))
		if err != nil {
			f.t.Fatal(err)
		}
		files[name] = content
	}
	return files
}
