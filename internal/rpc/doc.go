// Package rpc builds drover's gRPC servers and clients, over TCP and inside one
// process, and maps its errors to gRPC statuses and back. It owns what every
// server does alike: recovery, logging, metrics, validation, health, reflection,
// limits. It knows no service. Read server.go first; errors.go is the only place
// where fault kinds meet status codes.
package rpc
