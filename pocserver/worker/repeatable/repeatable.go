// Package repeatable keeps a run in virtual time from depending on which
// goroutine came first: decisions are made at an instant of their own, and
// draws from the seed.
package repeatable

import (
	"encoding/binary"
	"hash/fnv"
	"time"
)

// Settle returns the time once the instant t is over.
//
// Goroutines that act at one virtual instant run in any order, so a decision
// that looked at what the others had done by then would differ from run to run.
// What several want (who accepts, who gets the thread, which task a loop runs
// next) is therefore decided at an instant of its own and only from what
// happened before it. In virtual time Settle sleeps one nanosecond, after which
// everything of the instant t has happened; in real time the clock has moved on
// by itself.
func Settle(t time.Time) time.Time {
	now := time.Now()
	for !now.After(t) {
		time.Sleep(time.Nanosecond)
		now = time.Now()
	}
	return now
}

// Draw returns a number in [0, 1) that depends on its arguments only: the seed,
// what it is for, and which of the draws for that it is.
func Draw(seed uint64, purpose string, n uint64) float64 {
	h := fnv.New64a()
	var b [16]byte
	binary.LittleEndian.PutUint64(b[:8], seed)
	binary.LittleEndian.PutUint64(b[8:], n)
	h.Write(b[:])
	h.Write([]byte(purpose))
	return float64(Mix(h.Sum64())>>11) / (1 << 53) // FNV mixes its last bytes poorly
}

// Mix is the finaliser of SplitMix64 (Steele, Lea and Flood, 2014), which turns
// neighbouring numbers into unrelated ones.
func Mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// Weyl is what SplitMix64 adds to its state for each number: n·Weyl tells n apart
// before Mix.
const Weyl = 0x9e3779b97f4a7c15

// Hash is 64-bit FNV-1a of s. hash/fnv's own would cost two allocations a request.
func Hash(s string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(s) {
		h ^= uint64(s[i])
		h *= 1099511628211
	}
	return h
}
