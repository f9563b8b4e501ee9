package pki

import (
	"encoding/pem"
	"iter"
	"slices"
)

// pemBlocks goes through the blocks of a PEM text that are of the given types,
// or through all. What stands between them, such as what `openssl x509 -text`
// and easy-rsa write there, is passed over.
func pemBlocks(text string, types ...string) iter.Seq[*pem.Block] {
	return func(yield func(*pem.Block) bool) {
		for block, rest := pem.Decode([]byte(text)); block != nil; block, rest = pem.Decode(rest) {
			if len(types) > 0 && !slices.Contains(types, block.Type) {
				continue
			}
			if !yield(block) {
				return
			}
		}
	}
}
