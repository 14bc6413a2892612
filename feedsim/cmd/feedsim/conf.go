// Which nginx.conf: one of the two that the program brings, or a file.

package main

import (
	"os"

	"example.com/outagelab/feedsim"
	"example.com/outagelab/feedsim/solution"
)

// The words for the files that the program brings; anything else is a path.
const (
	shippedWord  = "shipped"
	solutionWord = "solution"
)

// brought reports whether conf is a file that the program brings.
func brought(conf string) bool { return conf == shippedWord || conf == solutionWord }

// read returns what conf stands for, and what to call it.
func read(conf string) (name string, text []byte, err error) {
	switch conf {
	case shippedWord:
		return "nginx.conf as shipped", []byte(feedsim.Shipped), nil
	case solutionWord:
		return "feedsim/solution/nginx.conf", []byte(solution.Config), nil
	}
	text, err = os.ReadFile(conf)
	return conf, text, err
}
