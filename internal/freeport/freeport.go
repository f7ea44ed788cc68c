// Package freeport finds ports for servers that tests start as processes of their own,
// or stop and start again.
package freeport

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
)

// The ports lie below those that the kernel gives out for connections, and below those
// of scripts/testdb: between the look and the server's start nobody takes one by chance.
const (
	first = 10_000
	ports = 10_000
)

// Address is one on the loopback interface that nobody listens on now.
func Address() (string, error) {
	all, err := Addresses(1)
	if err != nil {
		return "", err
	}
	return all[0], nil
}

// Addresses are so many of them.
func Addresses(n int) (out []string, err error) {
	for range 100 * n {
		l, err := net.Listen("tcp", fmt.Sprint("127.0.0.1:", first+rand.IntN(ports)))
		if err != nil {
			continue
		}
		defer l.Close()
		if out = append(out, l.Addr().String()); len(out) == n {
			return out, nil
		}
	}
	return nil, errors.New("freeport: a hundred ports tried, and all are in use")
}
