-- What: up to when each feed has been read, and where it was behind: of what was not read nothing is known, and nothing is well
-- Parameter from DateTime64(6, 'UTC') = 1970-01-01: from this instant on
-- Parameter to DateTime64(6, 'UTC') = 2299-01-01: before this one
-- Parameter behind_s UInt32 = 600: seconds from which a feed counts as behind
-- Column vendor: whose feed it is, whoever asks; empty: one that several share, as J-LIS's and the towns' are
-- Column feed: the public topic
-- Column read_through: all that had arrived up to then has been read; null: nothing has ever been
-- Column looked: how often it was looked at: once in five minutes while history is written, and not at all while nothing runs
-- Column unread: of them, how often some of it had not been read by anybody, as when everything starts
-- Column behind: of them, how often it was read, and behind
-- Column behind_share: (unread + behind) / looked
-- Column longest_behind_h: by how much it was behind at most, when it was read
-- Column longest_unseen_h: the longest time between two looks, up to `to` or now: of it nothing is known, and it is in no share
-- Order: behind_share DESC, vendor, feed
SELECT
    ifNull(toString(looks.vendor), '') AS vendor,
    looks.feed AS feed,
    if(countIf(through IS NULL AND at = last_at) > 0, NULL, minIf(through, at = last_at)) AS read_through,
    uniqExact(at) AS looked,
    uniqExactIf(at, through IS NULL) AS unread,
    length(arrayFilter(late -> NOT has(groupUniqArrayIf(at, through IS NULL), late),
                       groupUniqArrayIf(at, ifNull(dateDiff('second', through, at) > {behind_s:UInt32}, 0)))) AS behind,
    round((unread + behind) / looked, 4) AS behind_share,
    if(countIf(through IS NOT NULL) = 0, NULL, round(max(dateDiff('second', through, at)) / 3600, 1)) AS longest_behind_h,
    round(arrayMax(arrayDifference(arraySort(arrayPushBack(groupUniqArray(toUnixTimestamp(at)),
        toUnixTimestamp(greatest(last_look, least(assumeNotNull((SELECT instant FROM read_to)), {to:DateTime64(6, 'UTC')}))))))) / 3600, 1) AS longest_unseen_h,
    max(at) AS last_look
FROM (SELECT *, max(at) OVER (PARTITION BY feed) AS last_at FROM feeds_read
      WHERE at >= {from:DateTime64(6, 'UTC')} AND at < {to:DateTime64(6, 'UTC')}) AS looks
GROUP BY vendor, feed
