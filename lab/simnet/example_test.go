// This file shows the package at its plainest: net/http at both ends.

package simnet_test

import (
	"context"
	"fmt"
	"io"
	"net/http"

	"example.com/outagelab/lab/simnet"
)

func Example() {
	var network simnet.Network
	listener, err := network.Listen("127.0.0.1:8000")
	if err != nil {
		fmt.Println(err)
		return
	}
	server := http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "hello %s", r.RemoteAddr)
	})}
	go server.Serve(listener)
	defer server.Close()

	transport := &http.Transport{DialContext: network.DialContext}
	defer transport.CloseIdleConnections()
	client := http.Client{Transport: transport}
	reply, err := client.Get("http://127.0.0.1:8000/")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer reply.Body.Close()
	body, _ := io.ReadAll(reply.Body)
	fmt.Printf("%s: %s\n", reply.Status, body)

	_, err = client.Get("http://127.0.0.1:8001/")
	fmt.Println(err)
	// Output:
	// 200 OK: hello 127.0.0.1:32768
	// Get "http://127.0.0.1:8001/": dial tcp 127.0.0.1:8001: connect: connection refused
}

func ExampleListener_SetBacklog() {
	var network simnet.Network
	listener, _ := network.Listen("127.0.0.1:8000")
	defer listener.Close()
	listener.SetBacklog(0) // one may wait
	listener.SetOverflow(simnet.Refuse)
	for range 2 {
		conn, err := network.DialContext(context.Background(), "tcp", "127.0.0.1:8000")
		if err != nil {
			fmt.Println(err)
			continue
		}
		defer conn.Close()
		fmt.Println("connected from", conn.LocalAddr())
	}
	// Output:
	// connected from 127.0.0.1:32768
	// dial tcp 127.0.0.1:8000: connect: connection refused
}
