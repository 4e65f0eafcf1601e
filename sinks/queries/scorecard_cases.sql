-- What: the hops behind a figure of the scorecard, one by one: exactly those that it counts as its cases
-- Parameter criterion String: which figure: in_time, observed, not_held, median_h, p90_h, longest_days or consistent
-- Parameter vendor String: whose
-- Parameter hop String: of which hop
-- Parameter holder String = vendor: the role that is measured
-- Parameter from DateTime64(6, 'UTC') = 1970-01-01: entered at or after this instant
-- Parameter to DateTime64(6, 'UTC') = 2299-01-01: entered before it
-- Fits criterion: in_time|observed|not_held|median_h|p90_h|longest_days|consistent
-- Column token: the application
-- Column attempt: from 1; each resubmission begins one
-- Column kiosk: where it was handed in
-- Column state: in_time, late, open or undetermined
-- Column entered_at: when the hop began
-- Column due_at: its first limit
-- Column ended_at: when it ended; null: it has not, or it was not observed
-- Column ended_before: undetermined: a later step's time
-- Column hours: how long; open: up to now; undetermined: at most
-- Column flags: what was odd about the application's events
-- Column counts: for, against (the vendor), undetermined, or once: the figure is no share
-- Order: counts = 'against' DESC, hours DESC, token, attempt
SELECT
    token, attempt, ifNull(toString(my_hops.kiosk), '') AS kiosk, state, entered_at, due_at, closed_at AS ended_at, closed_before AS ended_before, flags,
    round(greatest(dateDiff('second', entered_at, coalesce(closed_at, closed_before, left_at)) / 3600, 0), 2) AS hours,
    multiIf({criterion:String} IN ('median_h', 'p90_h', 'longest_days'), 'once',
            {criterion:String} = 'consistent', if(hasAny(flags, ['conflict', 'time_replaced', 'two_vendors', 'reversed']), 'against', 'for'),
            {criterion:String} = 'not_held', if(held, 'against', 'for'),
            state = 'undetermined', 'undetermined',
            {criterion:String} = 'observed' OR state = 'in_time', 'for', 'against') AS counts
FROM (SELECT *, state = 'open' AND ifNull(my_hops.beyond, 0) AS held FROM my_hops) AS my_hops
WHERE vendor = {vendor:String} AND hop = {hop:String} AND holder = {holder:String} AND state != 'void'
  AND entered_at >= {from:DateTime64(6, 'UTC')} AND entered_at < {to:DateTime64(6, 'UTC')}
  AND ({criterion:String} NOT IN ('in_time', 'observed') OR state != 'open' OR ({criterion:String} = 'in_time' AND held))
