// The schedules: what each of them may say, and that there are not too many.

package crosstalk

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestEverySchedulesMovesCanBeMade(t *testing.T) {
	for stops := range mostStops + 1 {
		for _, late := range []bool{false, true} {
			for _, optional := range []bool{false, true} {
				for _, few := range []bool{false, true} {
					all := schedules(stops, late, optional, few)
					assert.LessOrEqual(t, len(all), 100, "for %d stops", stops)
					for _, s := range all {
						valid(t, s)
						assert.False(t, s.isAlone())
						for _, less := range s.smaller() {
							valid(t, less)
							assert.Less(t, len(less.moves)+len(less.without), len(s.moves)+len(s.without))
						}
					}
				}
			}
		}
	}
	valid(t, alone)
}

func valid(t *testing.T, s schedule) {
	t.Helper()
	assert.NotEmpty(t, s.name)
	assert.NotEmpty(t, s.moves)
	assert.LessOrEqual(t, len(s.without), 8, s.name)
	for _, m := range s.moves {
		assert.True(t, m.user >= 0 && m.user < len(s.without), "%s: no user %d", s.name, m.user)
		assert.True(t, m.stops > 0 && m.stops <= mostStops+1 || m.stops == toTheEnd || m.stops == away || m.stops == in || m.stops == aDay, "%s: %d stops", s.name, m.stops)
	}
}

func TestSchedulesAreTheSameEachTime(t *testing.T) {
	assert.Equal(t, fmt.Sprint(schedules(5, true, true, false)), fmt.Sprint(schedules(5, true, true, false)))
}

func TestASampleHoldsTheFirstAndTheLast(t *testing.T) {
	assert.Empty(t, sample(0, 6))
	assert.Equal(t, []int{1}, sample(1, 6))
	assert.Equal(t, []int{1, 2, 3, 4, 5, 6}, sample(6, 6))
	assert.Equal(t, []int{1, 3, 5, 7, 9, 12}, sample(12, 6))
}
