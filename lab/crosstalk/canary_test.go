// Canaries: no two alike, and found wherever they are.

package crosstalk

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestNoTwoCanariesAreAlike(t *testing.T) {
	c := &check{tokens: map[string]owner{}}
	canaries := map[string]owner{}
	for schedule := range mostTries + 100 {
		for user := range 8 {
			o := owner{schedule, user}
			canary, token := c.newCanary(o)
			_, taken := canaries[canary]
			assert.False(t, taken, "%v", o)
			assert.Equal(t, strings.Repeat(token, repeats), canary)
			assert.Regexp(t, "^[a-z0-9]{27}$", canary)
			canaries[canary] = o
			again, _ := c.newCanary(o)
			assert.Equal(t, canary, again, "the same user has the same")
		}
	}
}

func TestStrangersAreFoundAmongOthers(t *testing.T) {
	c := &check{tokens: map[string]owner{}}
	own, token := c.newCanary(owner{1, 0})
	other, _ := c.newCanary(owner{1, 1})
	third, thirds := c.newCanary(owner{1, 2})

	found, at := c.strangers("İ "+own+" zqj "+strings.ToUpper(other)+"zq"+thirds+third+"zqjzqj", token)
	assert.Equal(t, []owner{{1, 1}, {1, 2}}, found)
	assert.Len(t, at, 2)
	found, _ = c.strangers(own+"zqjnobodyszqj", token)
	assert.Empty(t, found)
	found, _ = c.strangers(other[4:20], token)
	assert.Equal(t, []owner{{1, 1}}, found, "a part of a canary, as a buffer may hold it")
}

func TestATokenIsFoundAtTheEndOfAText(t *testing.T) {
	c := &check{tokens: map[string]owner{}}
	_, token := c.newCanary(owner{1, 0})
	found, at := c.strangers(token, "")
	assert.Equal(t, []owner{{1, 0}}, found)
	assert.Equal(t, []int{0}, at)
	found, _ = c.strangers("a"+token[:len(token)-1], "")
	assert.Empty(t, found, "a part of a token")
	found, at = c.strangers(token+" "+token, "")
	assert.Len(t, found, 1, "each owner once")
	assert.Equal(t, []int{0}, at, "where it is first")
}

func TestAMarkerIsFoundInAnyCase(t *testing.T) {
	assert.Equal(t, 0, marked("zqj", 0))
	assert.Equal(t, 2, marked("zqZqJ", 0))
	assert.Equal(t, -1, marked("zqJ", 1))
	assert.Equal(t, -1, marked("zq", 0))
	assert.Equal(t, -1, marked("", 0))
	assert.Equal(t, -1, marked("\x1aqj", 0), "z in no case")
}
