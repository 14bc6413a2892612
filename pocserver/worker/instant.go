// The one rule that makes a server repeatable in virtual time, and the draws
// that depend on nothing but the seed.

package worker

import (
	"encoding/binary"
	"hash/fnv"
	"time"
)

// settle returns the time once the instant t is over.
//
// Goroutines that act at one virtual instant run in any order, so a decision
// that looked at what the others had done by then would differ from run to run.
// Every decision here (who accepts, who gets the thread, which task a loop runs
// next) is therefore made at an instant of its own and only from what happened
// before it. In virtual time settle sleeps one nanosecond, after which
// everything of the instant t has happened; in real time the clock has moved on
// by itself.
func settle(t time.Time) time.Time {
	now := time.Now()
	for !now.After(t) {
		time.Sleep(time.Nanosecond)
		now = time.Now()
	}
	return now
}

// draw returns a number in [0, 1) that depends on its arguments only, so that
// no draw depends on which goroutine came first.
func draw(seed uint64, purpose string, n uint64) float64 {
	h := fnv.New64a()
	var b [16]byte
	binary.LittleEndian.PutUint64(b[:8], seed)
	binary.LittleEndian.PutUint64(b[8:], n)
	h.Write(b[:])
	h.Write([]byte(purpose))
	// FNV mixes its last bytes poorly: finish as splitmix64 does.
	x := h.Sum64()
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	x ^= x >> 31
	return float64(x>>11) / (1 << 53)
}
