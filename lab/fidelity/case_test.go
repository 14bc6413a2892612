// A case of somebody's own: a scenario with what was measured, judged as the
// field's are.

package fidelity_test

import (
	"errors"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"example.com/outagelab/lab"
	"example.com/outagelab/lab/atomicfile"
	"example.com/outagelab/lab/fidelity"
	"example.com/outagelab/lab/racedetector"
	"example.com/outagelab/lab/scenario"
	"example.com/outagelab/lab/typeset"
)

var yourCase = flag.String("case", "", "the `path` of a scenario that says what was measured, to be judged")

const (
	// caseSeeds is how many seeds a case is run with, if -seeds says nothing.
	caseSeeds = 200
	// caseRequests is about how many requests a case may make in all its runs. A
	// case of many requests has fewer seeds, but fewSeeds at least.
	caseRequests = 2_000_000
	fewSeeds     = 20
)

// TestYourCase judges the case at -case. make fidelity CASE=path is the command.
func TestYourCase(t *testing.T) {
	if *yourCase == "" {
		t.Skip("-case names no file")
	}
	n := *seeds
	switch {
	case n == 0:
		n = caseSeeds
	case n < fewSeeds:
		t.Fatalf("-seeds=%d: the interval of so few holds anything, want %d or more", n, fewSeeds)
	}
	if *update {
		t.Fatal("-update is for the field's record: a case of yours has none")
	}
	judged, err := judgeCase(t, *yourCase, n)
	if err != nil {
		t.Fatalf("%v", err)
	}
	fmt.Println(judged)
	if !judged.Holds() {
		t.Fail()
	}
}

// A judgedCase is the judgement of a scenario, and what was run.
type judgedCase struct {
	*fidelity.Judgement
	system lab.System
}

// judgeCase runs the scenario at path with so many seeds at most, and judges what
// it says was measured. The error is the file's, or the run's.
func judgeCase(t *testing.T, path string, n int) (*judgedCase, error) {
	s, err := scenario.Read(path)
	if err != nil {
		return nil, err
	}
	if len(s.Measured) == 0 {
		return nil, fmt.Errorf("%s: there is no measured: in it, and so nothing to judge", path)
	}
	if err := refuseInACase(path, s); err != nil {
		return nil, err
	}
	name := filepath.Base(path)
	counts := make([]fidelity.Count, len(s.Measured))
	for i, m := range s.Measured {
		counts[i] = fidelity.Count{Case: name, Name: m.Name, Field: m.Values, Step: stepOf(m.Metric)}
	}
	run := func(seed int) (*lab.Observation, error) {
		o, err := inOneRun(s.Experiment(uint64(seed))).Run(t)
		if err != nil {
			return nil, fmt.Errorf("%s, seed %d: %w", path, seed, err)
		}
		for i, m := range s.Measured {
			v := m.Metric.Of(o)
			if math.IsInf(v, 0) {
				v = math.NaN() // nobody got that far
			}
			counts[i].Model[seed] = v
		}
		return o, nil
	}
	for i := range counts {
		counts[i].Model = make([]float64, n)
	}
	if _, err := fidelity.Judge(counts); err != nil {
		return nil, err // of what was measured, and so before any run
	}
	first, err := run(0)
	if err != nil {
		return nil, err
	}
	n = min(n, max(fewSeeds, caseRequests/max(1, len(first.Records))))
	for i := range counts {
		counts[i].Model = counts[i].Model[:n]
	}
	if err := each(n-1, func(i int) error {
		_, err := run(i + 1)
		return err
	}); err != nil {
		return nil, err
	}
	j, err := fidelity.Judge(counts)
	if err != nil {
		return nil, err
	}
	return &judgedCase{j, s.Experiment(0).System}, nil
}

// refuseInACase returns as an error all that the scenario at path says and that is
// not judged: what would be ignored, and what nobody can have counted.
func refuseInACase(path string, s *scenario.Scenario) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var file yaml.Node
	if err := yaml.Unmarshal(text, &file); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	why := map[string]string{
		"search": "a case is judged as it was measured, and nothing is searched for",
		"hold":   "a case is held to what was measured, and to nothing else",
		"seeds":  "how many a case is run with is said by ARGS=-seeds=…, 200 by itself",
	}
	var wrong []error
	keys := file.Content[0].Content
	for i := 0; i < len(keys); i += 2 {
		if because, refused := why[keys[i].Value]; refused {
			wrong = append(wrong, fmt.Errorf("%s:%d:%d: %s in a case: %s", path, keys[i].Line, keys[i].Column, keys[i].Value, because))
		}
	}
	for _, m := range s.Measured {
		for _, v := range m.Values {
			if stepOf(m.Metric) == 1 && v != math.Trunc(v) {
				wrong = append(wrong, fmt.Errorf("%s:%d: %g is measured of %s, which are counted: want whole numbers, one for each run, and not their mean", path, m.Line, v, m.Name))
			}
		}
	}
	return errors.Join(wrong...)
}

// stepOf is how fine a metric is: of things it is whole.
func stepOf(m lab.Metric) float64 {
	switch {
	case m.Unit == "s", m.Unit == "of the time":
		return 0.001
	case strings.HasSuffix(m.Unit, "/s"):
		return 0.1
	}
	return 1
}

// String is the table, and what was varied from run to run.
func (c *judgedCase) String() string {
	var page typeset.Page
	page.Line(c.Judgement.String())
	page.Item("system", c.system.String())
	page.Item("each seed", fmt.Sprintf("The machine computes slower or faster than the file says (standard deviation %g %%, as the field's did), sleeps "+
		"overshoot by more or less (%g %%), and threaded workers accept again more or less often (%g).",
		100*fidelity.PaceSpread, 100*fidelity.OvershootSpread, fidelity.AcceptAgainSpread))
	return page.String()
}

const example = "examples/prefork2.yaml"

// The example is one of the field's own cases, which the model was not calibrated
// on. make fidelity runs it with all seeds, and holds what is printed to the file
// beside it.
func TestTheExampleOfACaseIsInside(t *testing.T) {
	if racedetector.On {
		t.Skip("five runs of 1,320 requests: it needs a run without -race")
	}
	n := *seeds
	if n == 0 {
		n = 5
	}
	judged, err := judgeCase(t, example, n)
	require.NoError(t, err)
	assert.True(t, judged.Holds(), "%s", judged)
	if n != caseSeeds {
		return
	}
	const output = "examples/prefork2.txt"
	if *update {
		require.NoError(t, atomicfile.Write(output, []byte(judged.String()), 0o644))
	}
	was, err := os.ReadFile(output)
	require.NoError(t, err)
	assert.Equal(t, string(was), judged.String(), "what %s shows: make fidelity ARGS=-update corrects it", output)
}

// A case whose numbers are none that the model gives is OUTSIDE, and says which.
func TestACaseThatTheModelDoesNotGiveIsOutside(t *testing.T) {
	judged, err := judgeCase(t, writeCase(t, `
measured:
  - {metric: replies 200, of: polls, values: [4]}
  - {metric: replies 200, of: polls, values: [20]}
  - {metric: p50, of: polls, values: [1.5s]}
`), 3)
	require.NoError(t, err)
	assert.False(t, judged.Holds())
	var inside []bool
	for _, v := range judged.Verdicts {
		inside = append(inside, v.Inside)
	}
	assert.Equal(t, []bool{false, true, true}, inside, "%s", judged)
	assert.Contains(t, judged.String(), "OUTSIDE")
}

// A file that cannot be judged says so, and no run is made.
func TestACaseThatCannotBeJudgedSaysWhy(t *testing.T) {
	_, err := judgeCase(t, writeCase(t, ""), 3)
	assert.ErrorContains(t, err, "case.yaml: there is no measured: in it, and so nothing to judge")
	_, err = judgeCase(t, writeCase(t, "measured:\n  - {metric: replies 2000, values: [1]}\n"), 3)
	assert.ErrorContains(t, err, "case.yaml:6:14: ")
	_, err = judgeCase(t, writeCase(t, "measured:\n  - {metric: replies 200, values: [1e300]}\n"), 3)
	assert.EqualError(t, err, "case.yaml: replies 200: 1e+300 was measured, want 1e+09 at most")
	_, err = judgeCase(t, filepath.Join(t.TempDir(), "nowhere.yaml"), 3)
	assert.ErrorContains(t, err, "nowhere.yaml")
}

// What a scenario can say and a case cannot is refused where it stands, and all of
// it at once.
func TestACaseRefusesWhatIsNotJudged(t *testing.T) {
	path := writeCase(t, `
seeds: 3
hold:
  - {metric: p99, at_most: 1s}
search: {backlog: 1..3}
measured:
  - {metric: replies 200, of: polls, values: [20, 20.5]}
  - {metric: throughput, values: [9.5]}
`)
	_, err := judgeCase(t, path, 3)
	assert.EqualError(t, err, strings.ReplaceAll(`case.yaml:5:1: seeds in a case: how many a case is run with is said by ARGS=-seeds=…, 200 by itself
case.yaml:6:1: hold in a case: a case is held to what was measured, and to nothing else
case.yaml:8:1: search in a case: a case is judged as it was measured, and nothing is searched for
case.yaml:10: 20.5 is measured of replies 200, which are counted: want whole numbers, one for each run, and not their mean`,
		"case.yaml", path))
}

// writeCase writes a short scenario, of 20 polls of 1 or 2 s each, and returns its path.
func writeCase(t *testing.T, measured string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "case.yaml")
	require.NoError(t, os.WriteFile(path, []byte(`server: {model: threaded, workers: 2, threads: 25}
service: {distribution: uniform, from: 1s, to: 2s}
load:
  - {name: polls, path: /, rate: 10, arrivals: constant, for: 2s}
`+strings.TrimPrefix(measured, "\n")), 0o644))
	return path
}
