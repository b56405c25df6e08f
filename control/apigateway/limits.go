package apigateway

import (
	"bytes"
	"encoding/json"
	"math"

	"github.com/sockgate/sockgate"
)

// throttleIn is a token bucket as callers send it. What is absent is 0: SDKs leave zeros out.
type throttleIn struct {
	BurstLimit *int32   `json:"burstLimit"`
	RateLimit  *float64 `json:"rateLimit"`
}

func (t throttleIn) settings() sockgate.Throttle {
	var out sockgate.Throttle
	if t.BurstLimit != nil {
		out.Burst = int(*t.BurstLimit)
	}
	if t.RateLimit != nil {
		out.Rate = *t.RateLimit
	}
	return out
}

type throttleOut struct {
	BurstLimit int    `json:"burstLimit"`
	RateLimit  double `json:"rateLimit"`
}

func showThrottle(t sockgate.Throttle) throttleOut {
	return throttleOut{BurstLimit: t.Burst, RateLimit: double(t.Rate)}
}

// double prints as AWS's numbers with a fraction do: 200.0, not 200.
type double float64

// MarshalJSON implements json.Marshaler.
func (d double) MarshalJSON() ([]byte, error) {
	b, err := json.Marshal(float64(d))
	if err == nil && !bytes.ContainsAny(b, ".e") {
		b = append(b, ".0"...)
	}
	return b, err
}

type quotaIn struct {
	Limit  *int32  `json:"limit"`
	Offset *int32  `json:"offset"`
	Period *string `json:"period"`
}

type quotaOut struct {
	Limit  int    `json:"limit"`
	Offset int    `json:"offset"`
	Period string `json:"period"`
}

const periods = "DAY, WEEK, MONTH"

// settings returns the quota, which checkQuota must still pass.
func (q quotaIn) settings(in *input) (*sockgate.Quota, error) {
	out := &sockgate.Quota{Limit: -1} // a limit must be given
	if q.Limit != nil {
		out.Limit = int(*q.Limit)
	}
	if q.Offset != nil {
		out.Offset = int(*q.Offset)
	}
	if q.Period != nil {
		out.Period = *q.Period
		if _, ok := maxOffset[out.Period]; !ok {
			return nil, in.notOneOf("quota.period", out.Period, periods)
		}
	}
	return out, nil
}

// maxOffset is the largest offset of each period. Source: the checks of tools for API Gateway that quote AWS's refusals.
var maxOffset = map[string]int{"DAY": 0, "WEEK": 6, "MONTH": 27}

// checkQuota checks a plan's quota; nil is none.
func checkQuota(q *sockgate.Quota) error {
	if q == nil {
		return nil
	}
	most, ok := maxOffset[q.Period]
	switch {
	case !ok:
		return sockgate.Invalidf("Invalid Usage Plan quota period specified. Must be one of [%s]", periods)
	case q.Limit < 0 || q.Limit > math.MaxInt32:
		return sockgate.Invalidf("Usage Plan quota limit must be a non-negative numeric")
	case most == 0 && q.Offset != 0:
		return sockgate.Invalidf("Usage Plan quota offset must be zero in the %s period", q.Period)
	case q.Offset < 0 || q.Offset > most:
		return sockgate.Invalidf("Usage Plan quota offset must be between 0 and %d inclusive in the %s period", most, q.Period)
	}
	return nil
}

// maxRoutesPerStage is the quota of limits for single routes. Source: reference websocket-api section 10.
const maxRoutesPerStage = 20

// checkThrottles checks all limits of a plan. Source of the text on limits for single routes: answers of AWS that its users have
// published; the others are UNCONFIRMED.
func checkThrottles(p *sockgate.UsagePlan) error {
	if p.Throttle != nil {
		if err := checkThrottle(*p.Throttle); err != nil {
			return err
		}
	}
	for _, st := range p.Stages {
		switch {
		case len(st.Throttle) > maxRoutesPerStage:
			return sockgate.Invalidf("An API stage of a Usage Plan can have throttle settings for at most %d routes", maxRoutesPerStage)
		case len(st.Throttle) > 0 && p.Throttle == nil:
			return sockgate.Invalidf("Can not define fine grain throttling if usage plan throttle is not defined.")
		}
		for _, t := range st.Throttle {
			if err := checkThrottle(t); err != nil {
				return err
			}
		}
	}
	return nil
}

func checkThrottle(t sockgate.Throttle) error {
	if t.Burst < 0 {
		return errBurst
	}
	if t.Rate < 0 {
		return errRate
	}
	return nil
}

var (
	errBurst = sockgate.Invalidf("Usage Plan throttle burst limit must be a non-negative numeric")
	errRate  = sockgate.Invalidf("Usage Plan throttle rate limit must be a non-negative numeric")
)
