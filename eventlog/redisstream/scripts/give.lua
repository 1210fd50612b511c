#!lua flags=allow-oom
-- Gives shards back, and leaves when told so. KEYS: members, owners. ARGV: member, channel, 'leave' or '', shards.
for i = 4, #ARGV do
  if redis.call('HGET', KEYS[2], ARGV[i]) == ARGV[1] then
    redis.call('HDEL', KEYS[2], ARGV[i])
  end
end
if ARGV[3] == 'leave' then
  redis.call('ZREM', KEYS[1], ARGV[1])
end
redis.call('PUBLISH', ARGV[2], 'free')
return 'ok'
