// The schedules: who goes on until where, in which order.

package crosstalk

import (
	"fmt"
	"slices"

	"example.com/outagelab/pocserver/worker/repeatable"
)

// A move lets one user go on: until it has come to so many further stops, to its
// end, away, or just in.
type move struct {
	user  int
	stops int // or one of those below
}

const (
	toTheEnd = -1
	away     = -2
	in       = -3 // and nobody waits for where it gets
	aDay     = -4 // nobody goes on, and a day passes
)

// A schedule is who asks, and the moves. What is still under way after the last
// move goes on to its end.
type schedule struct {
	name    string
	without []bool // for each user, whether its private fields are left out
	moves   []move
	vital   bool // in real time it is run however long the others have taken
	more    bool // of the same, which is left out where each step costs a look
	nested  bool // it is tried after one request was kept at each stop while another ran
}

// isAlone reports whether s is [alone].
func (s schedule) isAlone() bool { return s.name == alone.name }

// both are two users who fill in all fields.
var both = []bool{false, false}

// alone finds out where a request stops.
var alone = schedule{name: "alone", without: []bool{false}, moves: []move{{0, toTheEnd}}}

// schedules returns those for a request with so many stops before its end, the
// smallest first. late says whether something of it stops after its end, and few
// whether there is time only for the most telling.
func schedules(stops int, late, optional, few bool) []schedule {
	var all []schedule
	nested := false
	add := func(name string, without []bool, moves ...move) {
		all = append(all, schedule{name: name, without: without, moves: moves, nested: nested})
	}
	inTurn := func(users int) (moves []move) {
		for u := range users {
			moves = append(moves, move{u, toTheEnd})
		}
		return moves
	}
	points := sample(stops, mostPoints)

	if few {
		var all []move
		for u := range 8 {
			all = append(all, move{u, in})
		}
		add("all at once", make([]bool, 8), all...)
	}
	add("one after another", both, inTurn(2)...)
	for i := range all {
		all[i].vital = true
	}
	if optional {
		add("one after another, the second without the private fields", []bool{false, true}, inTurn(2)...)
		add("one after another, every other without the private fields",
			[]bool{false, true, false, true, false, true, false, true}, inTurn(8)...)
	}
	if !few {
		add("a day between users", make([]bool, 3), move{0, toTheEnd}, move{0, aDay}, move{1, toTheEnd}, move{2, toTheEnd})
	}
	for _, p := range points {
		add("nested", both, move{0, p}, move{1, toTheEnd}, move{0, toTheEnd})
		all[len(all)-1].vital = true
		add("staggered", both, move{0, p}, move{1, p}, move{0, toTheEnd}, move{1, toTheEnd})
		if optional {
			add("nested, B without the private fields", []bool{false, true}, move{0, p}, move{1, toTheEnd}, move{0, toTheEnd})
			add("staggered, B without the private fields", []bool{false, true}, move{0, p}, move{1, p}, move{0, toTheEnd}, move{1, toTheEnd})
		}
	}
	for _, p := range points {
		add("A leaves midway", []bool{false, false, false}, move{0, p}, move{0, away}, move{1, toTheEnd}, move{0, toTheEnd}, move{2, toTheEnd})
		add("A leaves midway, its handler ends first", []bool{false, false, false}, move{0, p}, move{0, away}, move{0, toTheEnd}, move{1, toTheEnd}, move{2, toTheEnd})
		add("A leaves while B is under way", both, move{0, p}, move{1, 1}, move{0, away}, move{0, toTheEnd}, move{1, toTheEnd})
	}
	for _, p := range sample(stops, 2) {
		add("A out, then B and C overlap", make([]bool, 3), move{0, toTheEnd}, move{1, p}, move{2, toTheEnd}, move{1, toTheEnd})
		add("A out, then B and C in turns", make([]bool, 3), move{0, toTheEnd}, move{1, p}, move{2, p}, move{1, toTheEnd}, move{2, toTheEnd})
	}
	if late {
		for _, p := range append([]int{toTheEnd}, points...) {
			add("A out, B in, and what A has left running", both, move{0, toTheEnd}, move{1, p}, move{0, 1}, move{0, 1}, move{1, toTheEnd})
		}
	}
	nested = true // and not before the clients have left: http.TimeoutHandler has a lock then
	pairs := 0
	for _, p := range points {
		for _, q := range points {
			if p != q && pairs < 12 {
				pairs++
				add("overlapping", both, move{0, p}, move{1, q}, move{0, toTheEnd}, move{1, toTheEnd})
			}
		}
	}
	add("one after another, many", make([]bool, 8), inTurn(8)...)
	if few {
		return all
	}
	turns := make([]bool, 3)
	add("three in turns", turns, rounds(3, stops+1)...)
	for seed := range uint64(3) {
		many := make([]bool, 8)
		if optional && seed > 0 {
			for u := range many {
				many[u] = u%3 == 2
			}
		}
		add(fmt.Sprintf("eight at once, in random order %d", seed+1), many, shuffled(8, stops+1, seed)...)
		all[len(all)-1].more = seed > 0
	}
	return all
}

// mostPoints is how many of a request's stops are tried.
const mostPoints = 6

// sample returns 1 to n, or some of them, evenly.
func sample(n, most int) (points []int) {
	for i := range min(n, most) {
		points = append(points, 1+i*(n-1)/max(min(n, most)-1, 1))
	}
	return slices.Compact(points)
}

// rounds lets each user go one stop further, again and again.
func rounds(users, times int) (moves []move) {
	for range times {
		for u := range users {
			moves = append(moves, move{u, 1})
		}
	}
	return moves
}

// shuffled is rounds in an order drawn from seed.
func shuffled(users, times int, seed uint64) []move {
	moves := rounds(users, times)
	for i := len(moves) - 1; i > 0; i-- {
		j := int(repeatable.Mix(seed<<32+uint64(i)) % uint64(i+1))
		moves[i], moves[j] = moves[j], moves[i]
	}
	return moves
}
