// Package e2e shows on real daemons what the provider says of Docker: dockerd,
// the docker CLI, Swarm mode, HAProxy and nginx, on loopback, with material
// that a real terraform apply has written.
//
// The tests need root on Linux, and the programs that package tool lists; they
// fail and name what is missing. They run in namespaces of their own (package
// sandbox), so that a run leaves nothing on the machine and uses nothing of
// it. `make e2e` runs all of them, and
//
//	go test ./smoke -run TestProxies/nginx -v
//
// one. Package smoke proves the parts of the harness, each with certificates
// of its own making.
package e2e
