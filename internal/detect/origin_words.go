package detect

import (
	"fmt"
	"math"

	"github.com/anlan-city/anlan/internal/detect/engine"
)

// alsoLikely is from which probability on the sentence names the second as well: whoever finds nothing at the first goes there.
const alsoLikely = 0.2

// says is the finding in a sentence. It never says more than that the wind points somewhere; in
// Chinese not even that, since 风向 is where the wind comes from.
func (o *Origin) says(a *Alert, rule *engine.Origin) Wording {
	switch {
	case len(o.Candidates) == 0:
		return Wording{
			EN: fmt.Sprintf("The register has nothing within %.0f m of the instruments that it may come from.", rule.Within),
			ZH: fmt.Sprintf("监测仪器周围%.0f米内，台账中无可能的来源设施。", rule.Within),
		}
	case o.Wind == nil:
		return Wording{
			EN: fmt.Sprintf("No instrument within %s told the wind in this time, so nothing can be said of where it comes from.", length(rule.Near).EN),
			ZH: fmt.Sprintf("该时段周边%s内无风向风速数据，无法研判来源。", length(rule.Near).ZH),
		}
	case o.Verdict == OriginNoWind:
		return Wording{
			EN: fmt.Sprintf("For most of the time the wind was under %g m/s or not known, so it points nowhere.", rule.Calm),
			ZH: fmt.Sprintf("该时段风速多低于%g米/秒或缺测，无法依据风向研判来源。", rule.Calm),
		}
	}
	first := o.Candidates[0]
	en, zh := first.Name.EN+first.lies(a).EN, first.Name.ZH+first.lies(a).ZH
	none := percent(*o.None)
	var next Wording
	if len(o.Candidates) > 1 && *o.Candidates[1].Probability >= alsoLikely {
		second := o.Candidates[1]
		next.EN = fmt.Sprintf(", and next %s: %d %%", second.Name.EN, percent(*second.Probability))
		next.ZH = fmt.Sprintf("；其次为%s，可能性%d%%", second.Name.ZH, percent(*second.Probability))
	}
	switch {
	case o.Verdict == OriginNamed:
		return Wording{
			EN: fmt.Sprintf("The wind points at %s: %d %% probable%s. A hint for where to look first, not a finding.", en, percent(*first.Probability), next.EN),
			ZH: fmt.Sprintf("据风向研判，来源较可能为%s，可能性%d%%%s。仅供优先排查参考，不作为认定依据。", zh, percent(*first.Probability), next.ZH),
		}
	case *first.Probability > *o.None:
		return Wording{
			EN: fmt.Sprintf("The wind does not decide it yet. Likeliest is %s: %d %% probable%s; none of those listed: %d %%.", en, percent(*first.Probability), next.EN, none),
			ZH: fmt.Sprintf("依据风向尚不能判定。相对可能的是%s，可能性%d%%%s；不属于所列设施的可能性%d%%。", zh, percent(*first.Probability), next.ZH, none),
		}
	}
	return Wording{
		EN: fmt.Sprintf("So far the wind points at none of those listed: %d %% that it comes from elsewhere.", none),
		ZH: fmt.Sprintf("据目前风向研判，来源较可能不在所列设施之中，来自其他来源的可能性%d%%。", none),
	}
}

// lies says where a candidate lies from where the alert stands.
func (c Candidate) lies(a *Alert) Wording {
	en, zh := a.AssetName.EN, a.AssetName.ZH
	if en == "" && zh == "" {
		en, zh = "the instruments", "监测仪器"
	}
	if c.Distance < 1 {
		return Wording{EN: " at " + en, ZH: "（位于" + zh + "处）"}
	}
	to := compass(c.Bearing)
	return Wording{EN: fmt.Sprintf(", %.0f m %s of %s", c.Distance, to.EN, en), ZH: fmt.Sprintf("（位于%s以%s约%.0f米）", zh, to.ZH, c.Distance)}
}

// percent is a probability as people read it; nothing is said to be certain.
func percent(p float64) int { return min(max(int(math.Round(100*p)), 1), 99) }

// compass is the nearest of the eight points.
func compass(degrees float64) Wording {
	n := int(math.Round(degrees/45)) % 8
	return Wording{
		EN: [8]string{"north", "north-east", "east", "south-east", "south", "south-west", "west", "north-west"}[n],
		ZH: [8]string{"北", "东北", "东", "东南", "南", "西南", "西", "西北"}[n],
	}
}

func length(metres float64) Wording {
	if metres >= 1000 {
		return Wording{EN: fmt.Sprintf("%g km", metres/1000), ZH: fmt.Sprintf("%g公里", metres/1000)}
	}
	return Wording{EN: fmt.Sprintf("%g m", metres), ZH: fmt.Sprintf("%g米", metres)}
}
