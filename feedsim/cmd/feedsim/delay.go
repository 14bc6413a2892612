// How the command line says how long the feed takes.

package main

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"example.com/outagelab/feedsim"
)

// delay is a feedsim.Delay as a flag.
type delay struct {
	text string
	feedsim.Delay
}

var exercises = delay{text: "whole:0-5"} // which the zero Delay is

const delayForms = "whole:0-5 (whole seconds), uniform:100ms-2s, exp:2s (its mean) or lognormal:2s,1 (its mean, and sigma)"

// String returns what Set has read.
func (d *delay) String() string { return d.text }

// Set reads one of delayForms. Whether there can be such a delay is the feed's to
// say.
func (d *delay) Set(s string) error {
	kind, of, drawn := strings.Cut(s, ":")
	lo, hi, isRange := strings.Cut(of, "-")
	mean, sigma, isShaped := strings.Cut(of, ",")
	var from, to time.Duration
	var err, also error
	switch {
	case !drawn:
		from, err = time.ParseDuration(s)
		d.Delay = feedsim.Constant(from)
	case kind == "whole" && isRange:
		var from, to int
		from, err = strconv.Atoi(lo)
		to, also = strconv.Atoi(hi)
		d.Delay = feedsim.WholeSeconds(from, to)
	case kind == "uniform" && isRange:
		from, err = time.ParseDuration(lo)
		to, also = time.ParseDuration(hi)
		d.Delay = feedsim.Uniform(from, to)
	case kind == "exp":
		from, err = time.ParseDuration(of)
		d.Delay = feedsim.Exponential(from)
	case kind == "lognormal" && isShaped:
		var shape float64
		from, err = time.ParseDuration(mean)
		shape, also = strconv.ParseFloat(sigma, 64)
		d.Delay = feedsim.LogNormal(from, shape)
	default:
		err = errors.ErrUnsupported
	}
	if err != nil || also != nil {
		return errors.New("want a time such as 2s, " + delayForms)
	}
	d.text = s
	return nil
}
