// Package zlint holds what the core issues to zlint, the linter by which public
// CAs check theirs. It has nothing but tests, and is a module of its own since
// the provider has no use for zlint's dependencies.
package zlint
