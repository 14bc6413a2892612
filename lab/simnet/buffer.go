// This file is the receive buffer of a connection.

package simnet

import "math/bits"

const (
	// bufferSize bounds the bytes written in one direction that nobody read yet.
	bufferSize = 64 << 10
	// firstBufferSize is what a buffer starts with, so that 100,000 connections
	// with short messages take little memory.
	firstBufferSize = 256
)

// A buffer is a ring of bytes that grows as needed, up to bufferSize.
type buffer struct {
	ring  []byte // its length is 0 or a power of two
	start int    // index of the first byte
	n     int    // bytes in the buffer
}

// write appends as much of b as there is room for, and returns how much.
func (r *buffer) write(b []byte) int {
	b = b[:min(len(b), bufferSize-r.n)]
	if need := r.n + len(b); need > len(r.ring) {
		r.grow(need)
	}
	end := (r.start + r.n) & (len(r.ring) - 1)
	copy(r.ring, b[copy(r.ring[end:], b):])
	r.n += len(b)
	return len(b)
}

// read moves bytes from the buffer to b, and returns how many.
func (r *buffer) read(b []byte) int {
	b = b[:min(len(b), r.n)]
	copy(b[copy(b, r.ring[r.start:]):], r.ring)
	r.n -= len(b)
	if r.n == 0 {
		r.start = 0 // the next message is in one piece
	} else {
		r.start = (r.start + len(b)) & (len(r.ring) - 1)
	}
	return len(b)
}

func (r *buffer) grow(need int) {
	ring := make([]byte, max(firstBufferSize, 1<<bits.Len(uint(need-1))))
	n := r.n
	r.read(ring[:n])
	*r = buffer{ring: ring, n: n}
}
