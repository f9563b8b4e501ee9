// Command echo is the one program of the test image. It says "ready", copies
// standard input to standard output, and says how many bytes there were when
// the input ends: what only a peer sees that keeps the other direction open.
package main

import (
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	fmt.Println("ready")
	if len(os.Args) > 1 && os.Args[1] == "wait" {
		stop := make(chan os.Signal, 1)
		signal.Notify(stop, syscall.SIGTERM)
		<-stop
		return
	}
	n, err := io.Copy(os.Stdout, os.Stdin)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Printf("end of input after %d bytes\n", n)
}
