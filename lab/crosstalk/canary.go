// Canaries: what is private to one user, and tells whose it is.

package crosstalk

import (
	"strings"

	"example.com/outagelab/pocserver/worker/repeatable"
)

// marker begins each token, so that one can be found without knowing which.
const marker = "zqj"

// tokenLength is a marker and six letters and digits: enough for a check's few
// hundred users to be told apart.
const tokenLength = len(marker) + 6

// repeats is how often the token stands in a canary: of a buffer that two
// requests write to, a part may be left.
const repeats = 3

// An owner is whose token it is.
type owner struct {
	schedule int // by its number in the check
	user     int
}

const digits = "abcdefghkmnprstuvwxy23456789bcdf"

// newCanary makes the canary of a user, and remembers it. Owners of one check get
// different ones: TestNoTwoCanariesAreAlike tries them all.
func (c *check) newCanary(o owner) (canary, token string) {
	n := repeatable.Mix(uint64(o.schedule)<<20 + uint64(o.user))
	var b strings.Builder
	b.WriteString(marker)
	for b.Len() < tokenLength {
		b.WriteByte(digits[n%uint64(len(digits))])
		n /= uint64(len(digits))
	}
	token = b.String()
	c.tokens[token] = o
	return strings.Repeat(token, repeats), token
}

// strangers returns whose tokens are in text but for the user's own, and where in
// text the first of each begins.
func (c *check) strangers(text, own string) (found []owner, at []int) {
	seen := map[string]bool{own: true}
	for i := marked(text, 0); i >= 0 && i+tokenLength <= len(text); i = marked(text, i+len(marker)) {
		token := strings.ToLower(text[i : i+tokenLength])
		if o, known := c.tokens[token]; known && !seen[token] {
			seen[token] = true
			found, at = append(found, o), append(at, i)
		}
	}
	return found, at
}

// marked returns where in text, from there on, the next marker is, whatever its
// case, or -1.
func marked(text string, from int) int {
	for i := from; i+len(marker) <= len(text); i++ {
		if text[i]|' ' == marker[0] && strings.EqualFold(text[i:i+len(marker)], marker) {
			return i
		}
	}
	return -1
}
