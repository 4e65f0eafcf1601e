-- What: applications by what is known of them at the counter, with their tokens and where they are
-- Parameter last4 String = : the last four digits of the application's id; empty: any
-- Parameter kiosk String = : handed in at this kiosk; empty: at any
-- Parameter from DateTime64(6, 'UTC') = 1970-01-01: handed in at or after this instant
-- Parameter to DateTime64(6, 'UTC') = 2299-01-01: handed in before it
-- Column token: what stands for the application, for `timeline`
-- Column last4: the last four digits of its id
-- Column kiosk: where it was handed in
-- Column residence_municipality: where the applicant lives
-- Column handed_in_at: when its first hop began
-- Column attempt: in which it is
-- Column open_hop: the hop that is open, or the last one that was
-- Column holder: the role of who has it, or had it last
-- Column state: of that hop
-- Column since: when that hop began
-- Order: handed_in_at DESC, token
SELECT
    any(my_hops.token) AS token,
    any(my_hops.last4) AS last4,
    ifNull(toString(any(my_hops.kiosk)), '') AS kiosk,
    ifNull(toString(any(my_hops.residence_municipality)), '') AS residence_municipality,
    any(my_hops.begun_at) AS handed_in_at,
    max(my_hops.attempt) AS attempt,
    argMax(my_hops.hop, (my_hops.state = 'open', entered_at)) AS open_hop,
    argMax(my_hops.holder, (my_hops.state = 'open', entered_at)) AS holder,
    argMax(my_hops.state, (my_hops.state = 'open', entered_at)) AS state,
    argMax(entered_at, (my_hops.state = 'open', entered_at)) AS since
FROM my_hops
WHERE my_hops.state != 'void' AND {last4:String} IN ('', my_hops.last4) AND {kiosk:String} IN ('', ifNull(my_hops.kiosk, ''))
  AND begun_at >= {from:DateTime64(6, 'UTC')} AND begun_at < {to:DateTime64(6, 'UTC')} AND entered_at >= {from:DateTime64(6, 'UTC')}
GROUP BY application
