// What is random, and from what it is drawn: the seed and the request, never a
// stream of numbers that requests share.

package feedsim

import (
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"

	"example.com/outagelab/pocserver/worker/repeatable"
)

// draws returns a source of numbers that depend on its arguments only.
func draws(seed uint64, name string) rand.PCG {
	var pcg rand.PCG
	pcg.Seed(seed, repeatable.Hash(name))
	return pcg
}

// unit returns the next number in [0, 1).
func unit(pcg *rand.PCG) float64 { return float64(pcg.Uint64()>>11) / (1 << 53) }

// uuid4 is a random UUID (RFC 9562, section 5.4), random as far as seed and
// request are.
func uuid4(seed uint64, request string) string {
	pcg := draws(seed, request)
	var u [16]byte
	binary.BigEndian.PutUint64(u[:8], pcg.Uint64())
	binary.BigEndian.PutUint64(u[8:], pcg.Uint64())
	u[6] = u[6]&0x0f | 0x40 // version 4
	u[8] = u[8]&0x3f | 0x80 // the variant of the RFC
	h := hex.EncodeToString(u[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}
