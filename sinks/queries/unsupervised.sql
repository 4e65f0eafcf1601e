-- What: how many applications spent how long with whom, by who supervises; the rows of supervisor none are where nobody does
-- Parameter from DateTime64(6, 'UTC') = 1970-01-01: days before this instant do not count
-- Parameter to DateTime64(6, 'UTC') = 2299-01-01: nor those after it
-- Column supervisor: who supervises; none: nobody
-- Column hop: the hop
-- Column holder: who holds during it
-- Column people: applications
-- Column person_days: days, of all of them together
-- Column of_undetermined: of these days, those of hops whose end was not observed: they ended then at the latest
-- Column longest_days: the longest
-- Order: supervisor = 'none' DESC, person_days DESC, hop, holder
SELECT
    supervisor,
    hop,
    holder,
    uniqExact(application) AS people,
    round(sum(days), 1) AS person_days,
    round(sum(if(state = 'undetermined', days, 0)), 1) AS of_undetermined,
    round(max(days), 1) AS longest_days
FROM
(
    SELECT supervisor, hop, holder, application, state,
           dateDiff('second', greatest(entered_at, {from:DateTime64(6, 'UTC')}),
                    least(coalesce(closed_at, closed_before, (SELECT instant FROM read_to)), {to:DateTime64(6, 'UTC')})) / 86400 AS days
    FROM my_hops
    WHERE state != 'void' AND entered_at < {to:DateTime64(6, 'UTC')} AND until_day >= toDate32({from:DateTime64(6, 'UTC')})
)
WHERE days > 0
GROUP BY supervisor, hop, holder
