// How many threads? The answer of theory, and that of the simulator.

package scenario_test

import (
	"fmt"

	"example.com/outagelab/lab/scenario"
)

func ExampleScenario_Run() {
	s, err := scenario.Parse("threads.yaml", []byte(`
server: {model: threaded}
service: {distribution: uniform, from: 0s, to: 2s}
load: {path: /search, rate: 5, for: 1m, arrivals: poisson}
hold: {metric: p99, at_most: 2500ms}
search: {threads: 1..20}
seeds: 2
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	report, err := s.Run(nil) // in a test: s.Run(t)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(report)
	// Output:
	// threads: 9 threads are enough; fewer may be.
	//
	//   claim      It holds that p99 is at most 2.5 s.
	//   system     1 threaded worker × 9 threads, where each request takes 0 to 2 s, evenly,
	//              worker timeout 30 s, a backlog of 2,048 that drops when full
	//   load       5 requests/s for /search, whether or not they are answered, at random
	//              moments, for 60 s
	//   settings   model: threaded; arrivals: poisson
	//   time       121 s of virtual time, seeds 1 and 2
	//
	//   what became of the requests, of seed 1
	//     /search: 314 × 200; of the replies p50 1.049 s, p90 1.844 s, p99 2.177 s, the slowest
	//     2.419 s
	//
	//   what must hold
	//   ✓ p99 is at most 2.5 s: 2.171 ± 0.081 s
	//
	//   what theory says                            predicted     measured ± 95 %     error
	//   requests in service                                 5         5.42 ± 0.12    +8.4 %
	//       Little's law: λ·E[S], λ = 5/s, E[S] = 1 s
	//   utilisation                                    0.5556      0.6023 ± 0.013    +8.4 %
	//       λ·E[S]/c, on 9 threads
	//   mean latency                                  1.013 s       1.067 ± 0.031    +5.3 %
	//       Allen and Cunneen's approximation of G/G/c, on 9 threads: squared coefficients of
	//       variation 1 of arrivals, 0.3333 of service
	//   p99                                           1.993 s       2.171 ± 0.081    +8.9 %
	//       the same, of the wait and the service
	//
	//   searched threads from 1 to 20. Theory's answer is 8. 9 holds, and 8 is undecided.
	//   – with 5 or fewer the queue grows without limit
	//   – Fewer than 9 may be enough: the bound lies within the uncertainty of what was measured
	//     with 8. More seeds would tell.
	//
	//   threads   predicted p99   measured ± 95 %   holds
	//         8         2.138 s      2.408 ± 0.87   undecided
	//         9         1.993 s     2.171 ± 0.081   yes
}

func ExampleParse() {
	_, err := scenario.Parse("wrong.yaml", []byte(`server: {model: sync, timeout: 30, threads: 25}
service: {distribution: constant, time: 1s}
load:
  - {name: polls, path: /check_feed, rate: 10, for: 2m}
hold:
  - {metric: p99, of: poll, at_most: 6s}
`))
	fmt.Println(err)
	// Output:
	// wrong.yaml:1:32: timeout is the bare number 30: a duration has a unit, such as 30s or 30ms
	// wrong.yaml:6:23: no load is named "poll": did you mean polls?
}
