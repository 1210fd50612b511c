#!lua flags=allow-oom
-- A member's turn: it renews its lease and takes free shards up to its share.
-- KEYS: meta, members (by the end of their lease), owners (by shard).
-- ARGV: identity, member, lease in ms, shards, channel, most shards to hold now: its share, or '' for that.
-- Replies its share and the shards that it owns.
if redis.call('HGET', KEYS[1], 'id') ~= ARGV[1] then
  return redis.error_reply('LOST another log is there')
end
local member, shards = ARGV[2], tonumber(ARGV[4])
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now)
local joined = redis.call('ZADD', KEYS[2], now + tonumber(ARGV[3]), member)
local names = redis.call('ZRANGE', KEYS[2], 0, -1)
table.sort(names)
local live, rank = {}, 0
for i, name in ipairs(names) do
  live[name] = true
  if name == member then
    rank = i
  end
end
local share = math.floor(shards / #names)
if rank <= shards % #names then
  share = share + 1
end
local most, owners, mine = share, {}, {}
if ARGV[6] ~= '' then
  most = tonumber(ARGV[6])
end
local all = redis.call('HGETALL', KEYS[3])
for i = 1, #all, 2 do
  owners[all[i]] = all[i + 1]
end
for shard = 0, shards - 1 do
  if owners[tostring(shard)] == member then
    mine[#mine + 1] = shard
  end
end
for shard = 0, shards - 1 do
  local owner = owners[tostring(shard)]
  if #mine < most and not (owner and live[owner]) then
    redis.call('HSET', KEYS[3], shard, member)
    mine[#mine + 1] = shard
  end
end
if joined == 1 then
  redis.call('PUBLISH', ARGV[5], 'joined')
end
table.insert(mine, 1, share)
return mine
