// A lesson found by the last part of its name.

package lesson_test

import (
	"fmt"

	"example.com/outagelab/lab/lesson"
)

func ExampleFind() {
	l, err := lesson.Find("off-by-one")
	if err != nil {
		panic(err)
	}
	fmt.Println(l.Name)
	fmt.Println(l.Question)
	// Output:
	// dirty/off-by-one
	// A user leaves before the session store has answered. Who gets the answer?
}
