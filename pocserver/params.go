// What a client may ask for: the parameters, their limits, and an answer for
// each way of getting them wrong.

package pocserver

import (
	"errors"
	"fmt"
	"math"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const (
	// DefaultSleep is the longest nap of a request that gives no sleep.
	DefaultSleep = 3900 * time.Millisecond
	// MaxSleep is the longest nap that a request may ask for. (Ours: the PoC
	// naps for as long as it is told.)
	MaxSleep = time.Hour
)

// maxEmail is the longest local part of an address, in bytes (RFC 5321, section
// 4.5.3.1.1).
const maxEmail = 64

// params is what a query says.
type params struct {
	sleep time.Duration
	email string
}

// parse reads a query as url.ParseQuery does, but strictly: each parameter
// once, none that the view does not take. It walks the query itself because a
// map for each request, for at most two values, would be most of its cost.
func parse(query string, takesEmail bool) (params, error) {
	p := params{sleep: DefaultSleep}
	var sleepGiven, emailGiven bool
	for query != "" {
		var pair string
		pair, query, _ = strings.Cut(query, "&")
		if pair == "" {
			continue
		}
		if strings.Contains(pair, ";") {
			return p, fmt.Errorf("the query is malformed at %s: separate parameters with &, and write a semicolon as %%3B", quote(pair))
		}
		rawKey, rawValue, _ := strings.Cut(pair, "=")
		key, err := url.QueryUnescape(rawKey)
		if err != nil {
			return p, fmt.Errorf("the query is malformed at %s: a %% must begin an escape such as %%2B", quote(rawKey))
		}
		value, err := url.QueryUnescape(rawValue)
		if err != nil {
			return p, fmt.Errorf("parameter %s is malformed at %s: a %% must begin an escape such as %%2B", quote(key), quote(rawValue))
		}
		switch {
		case key == "sleep":
			if sleepGiven {
				return p, errors.New("sleep is given twice: give it once")
			}
			sleepGiven = true
			if p.sleep, err = parseSleep(value); err != nil {
				return p, err
			}
		case key == "email" && takesEmail:
			if emailGiven {
				return p, errors.New("email is given twice: give it once")
			}
			emailGiven = true
			if err = checkEmail(value); err != nil {
				return p, err
			}
			p.email = value
		default:
			takes := "sleep"
			if takesEmail {
				takes = "sleep and email"
			}
			return p, fmt.Errorf("parameter %s is unknown: this view takes %s", quote(key), takes)
		}
	}
	if takesEmail && !emailGiven {
		return p, errors.New("email is missing: give the part before the @, such as email=dev")
	}
	return p, nil
}

// parseSleep reads a number of seconds, rounded to the nanosecond.
func parseSleep(s string) (time.Duration, error) {
	if s == "" {
		return 0, fmt.Errorf("sleep is empty: give a number of seconds such as 0.1, or leave it out for %v", DefaultSleep.Seconds())
	}
	v, err := strconv.ParseFloat(s, 64)
	outOfRange := errors.Is(err, strconv.ErrRange) // 1e999: a number, but beyond any limit
	switch {
	// Go also reads 0x1p-2 and 1_000, which nobody means in a URL.
	case err != nil && !outOfRange, strings.ContainsAny(s, "xX_"):
		return 0, fmt.Errorf("sleep is %s: not a number, want seconds such as 0.1", quote(s))
	case math.IsNaN(v):
		return 0, fmt.Errorf("sleep is %s: a nap needs a number, want seconds such as 0.1", quote(s))
	case v < 0:
		return 0, fmt.Errorf("sleep is %s: a nap cannot be negative", quote(s))
	case math.IsInf(v, 0) && !outOfRange:
		return 0, fmt.Errorf("sleep is %s: a nap cannot be infinite, the limit is %v seconds", quote(s), MaxSleep.Seconds())
	case v > MaxSleep.Seconds():
		return 0, fmt.Errorf("sleep is %s: over the limit of %v seconds", quote(s), MaxSleep.Seconds())
	}
	return time.Duration(math.Round(v * float64(time.Second))), nil
}

// checkEmail reports what is wrong with an address's local part: it must be a
// dot-atom (RFC 5322, section 3.2.3) of at most maxEmail bytes.
func checkEmail(s string) error {
	const wanted = "want the part before the @, of ASCII letters, digits and !#$%&'*+-/=?^_`{|}~, with single dots inside"
	switch {
	case s == "":
		return errors.New("email is empty: give the part before the @, such as email=dev")
	case len(s) > maxEmail:
		return fmt.Errorf("email is %s: over the limit of %d bytes (RFC 5321)", quote(s), maxEmail)
	case strings.Contains(s, "@"):
		return fmt.Errorf("email is %s: give only the part before the @, %s is added", quote(s), domain)
	case s[0] == '.' || s[len(s)-1] == '.' || strings.Contains(s, ".."):
		return fmt.Errorf("email is %s: a dot in the wrong place (RFC 5322), %s", quote(s), wanted)
	}
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case strings.IndexByte(".!#$%&'*+-/=?^_`{|}~", c) >= 0:
		case c == ' ':
			return fmt.Errorf("email is %s: a space is not allowed (RFC 5322); if it was a + write it as %%2B", quote(s))
		default:
			return fmt.Errorf("email is %s: character %+q is not allowed (RFC 5322), %s", quote(s), s[i:i+1], wanted)
		}
	}
	return nil
}

// quote returns s, which a client sent, as it may be repeated to it: in quotes,
// in printable ASCII, and cut short.
func quote(s string) string {
	const most = 80 // bytes of s
	if len(s) <= most {
		return strconv.QuoteToASCII(s)
	}
	return fmt.Sprintf("%s... (%d bytes)", strconv.QuoteToASCII(s[:most]), len(s))
}
