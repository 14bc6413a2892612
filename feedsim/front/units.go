// Times and sizes as nginx writes them.

package front

import (
	"math"
	"time"
)

// timeUnits are the units of a time from the largest to the smallest, which is
// also the order that they must come in. Months and years mean 30 and 365 days.
// Source: nginx, src/core/ngx_parse.c, ngx_parse_time.
var timeUnits = []struct {
	letters string
	unit    time.Duration
}{
	{"y", 365 * 24 * time.Hour},
	{"M", 30 * 24 * time.Hour},
	{"w", 7 * 24 * time.Hour},
	{"d", 24 * time.Hour},
	{"h", time.Hour},
	{"m", time.Minute},
	{"s", time.Second},
	{"ms", time.Millisecond},
}

// parseTime reads a time such as "60", "1500ms" or "1m30s": a number without a
// unit is seconds and comes last. Years and months are not for a time in
// milliseconds, and milliseconds not for one that nginx keeps in seconds
// (inSeconds).
func parseTime(s string, inSeconds bool) (time.Duration, bool) {
	first, end := 2, len(timeUnits)
	if inSeconds {
		first, end = 0, len(timeUnits)-1
	}
	const limit = math.MaxInt64 / int64(time.Second)
	var total, value int64 // total in nanoseconds
	digits := false
	add := func(unit time.Duration) bool {
		if value > math.MaxInt64/int64(unit) || total > math.MaxInt64-value*int64(unit) {
			return false
		}
		total += value * int64(unit)
		value = 0
		return true
	}
	for i := 0; i < len(s); {
		if '0' <= s[i] && s[i] <= '9' {
			if value = value*10 + int64(s[i]-'0'); value > limit {
				return 0, false
			}
			digits = true
			i++
			continue
		}
		unit, at := timeUnit(s[i:])
		if s[i] == ' ' { // seconds, and nothing may follow
			unit, at = "s", len(timeUnits)
			if first >= len(timeUnits)-1 || !add(time.Second) {
				return 0, false
			}
		} else if at < first || at >= end || !add(timeUnits[at].unit) {
			return 0, false
		}
		first = at + 1
		i += len(unit)
		if s[i-1] == ' ' {
			i--
		}
		for i < len(s) && s[i] == ' ' {
			i++
		}
	}
	if !digits || !add(time.Second) {
		return 0, false
	}
	return time.Duration(total), true
}

// timeUnit returns the unit that s starts with, and its place in timeUnits: -1
// if there is none.
func timeUnit(s string) (string, int) {
	for at := len(timeUnits) - 1; at >= 0; at-- { // "ms" before "m"
		if u := timeUnits[at].letters; len(s) >= len(u) && s[:len(u)] == u {
			return u, at
		}
	}
	return "", -1
}

// parseSize reads a size such as "4096", "8k" or "1m", in bytes, of what is kept in
// memory. Source: nginx, src/core/ngx_parse.c, ngx_parse_size.
func parseSize(s string) (int, bool) {
	n, ok := parseFileSize(s)
	return int(n), ok && n <= maxSize
}

// parseFileSize is parseSize for a file, which may be larger than memory.
func parseFileSize(s string) (int64, bool) {
	scale := int64(1)
	if s != "" {
		switch s[len(s)-1] {
		case 'k', 'K':
			scale = 1 << 10
		case 'm', 'M':
			scale = 1 << 20
		}
	}
	if scale > 1 {
		s = s[:len(s)-1]
	}
	n, ok := parseCount(s)
	return int64(n) * scale, ok
}

// maxSize bounds a size and a count: more is a slip, not a setting.
const maxSize = 1 << 30

// parseCount reads a number of something. Source: nginx,
// src/core/ngx_string.c, ngx_atoi.
func parseCount(s string) (int, bool) {
	n := 0
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return 0, false
		}
		if n = n*10 + int(c-'0'); n > maxSize {
			return 0, false
		}
	}
	return n, s != ""
}
