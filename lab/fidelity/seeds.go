// What the intervals are worth: the model's own runs, judged as the field is.

package fidelity

// judgeSeeds judges each seed by the others, with intervals for as many values as
// the field has. A seed that some counts do not have is judged by those that do.
func (j *Judgement) judgeSeeds() {
	var outside []bool // by seed
	for _, v := range j.Verdicts {
		n := len(v.Model)
		if n < 3 {
			return // one value has no variance
		}
		for len(outside) < n {
			outside = append(outside, false)
		}
		t := quantile(n-1, max(1, j.Values))
		others := make([]float64, 0, n-1)
		for seed, x := range v.Model {
			one := v.Count
			one.Field = []float64{x}
			one.Model = append(append(others, v.Model[:seed]...), v.Model[seed+1:]...)
			outside[seed] = outside[seed] || !one.judge(t).Inside
		}
	}
	for _, out := range outside {
		j.Seeds++
		if !out {
			j.SeedsInside++
		}
	}
}
