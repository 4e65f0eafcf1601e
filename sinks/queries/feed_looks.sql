-- What: each look at a vendor's feeds, and how far they had been read then
-- Parameter vendor String: whose feeds; empty: those that several share
-- Parameter from DateTime64(6, 'UTC') = 1970-01-01: from this instant on
-- Parameter to DateTime64(6, 'UTC') = 2299-01-01: before this one
-- Parameter behind_s UInt32 = 600: seconds from which a feed counts as behind
-- Column feed: the public topic
-- Column at: when it was looked at
-- Column read_through: all that had arrived up to then had been read; null: some of it nobody had read yet
-- Column found: read, behind or unread
-- Order: found = 'read', at DESC, feed
SELECT feed, at, if(countIf(through IS NULL) > 0, NULL, min(through)) AS read_through,
       multiIf(countIf(through IS NULL) > 0, 'unread', max(dateDiff('second', through, at)) > {behind_s:UInt32}, 'behind', 'read') AS found
FROM feeds_read
WHERE ifNull(toString(vendor), '') = {vendor:String} AND at >= {from:DateTime64(6, 'UTC')} AND at < {to:DateTime64(6, 'UTC')}
GROUP BY feed, at
