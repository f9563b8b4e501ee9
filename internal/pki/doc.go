// Package pki is a small certification authority for Docker Engine and Docker
// Swarm: it checks requests, issues CA, node and client certificates, keeps the
// record of revoked ones and signs CRLs, all after RFC 5280.
//
// It is pure: it reads no clock (every function that needs the time takes it as
// a parameter), keeps no state between calls and touches no file or network.
// The only thing that it takes from outside is randomness, for keys and serial
// numbers.
//
// Read it in this order: request.go (what can be asked for), issuer.go (who
// signs), issue.go (what a certificate then holds), renewal.go (when it is due
// again), revocation.go and crl.go (how it ends).
//
// Every function that refuses something returns an *Error, which names the
// field that is wrong.
package pki
