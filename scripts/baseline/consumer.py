#!/usr/bin/env python3
"""The usual consumer: one JSON message at a time from Kafka, counters by day and campaign in a dict, a batched upsert into
MySQL every so many messages, then the commit of the offsets. It stands beside Rollcall in scripts/bench-kafka.

It counts events, sessions' durations, bounces and distinct users by day, campaign and age group, as well as such consumers
do: users in a set in memory, since the start. It is not exactly once: a crash between the two commits counts twice.
"""
import argparse
import json
import sys
import time

import pymysql

TABLE = """CREATE TABLE IF NOT EXISTS daily_metrics (
  event_date DATE NOT NULL, campaign_id VARCHAR(64) NOT NULL, age_group VARCHAR(64) NOT NULL,
  total_events BIGINT NOT NULL, dau BIGINT NOT NULL,
  PRIMARY KEY (event_date, campaign_id, age_group))"""

UPSERT = """INSERT INTO daily_metrics (event_date, campaign_id, age_group, total_events, dau) VALUES (%s, %s, %s, %s, %s)
  ON DUPLICATE KEY UPDATE total_events = total_events + VALUES(total_events), dau = dau + VALUES(dau)"""


def arguments():
    p = argparse.ArgumentParser()
    p.add_argument("--brokers", required=True)
    p.add_argument("--topic", required=True)
    p.add_argument("--group", default="baseline")
    p.add_argument("--client", choices=["confluent-kafka", "kafka-python"], default="confluent-kafka", help="over librdkafka in C, or Python throughout")
    p.add_argument("--host", default="127.0.0.1")
    p.add_argument("--port", type=int, required=True)
    p.add_argument("--user", default="rollcall")
    p.add_argument("--password", default="rollcall")
    p.add_argument("--database", required=True)
    p.add_argument("--batch", type=int, default=5000, help="messages between two upserts")
    p.add_argument("--events", type=int, required=True, help="stop after so many")
    return p.parse_args()


def confluent(a):
    """Gives poll, which returns the value of the next message or None after a second, and commit."""
    from confluent_kafka import Consumer, KafkaException
    consumer = Consumer({
        "bootstrap.servers": a.brokers, "group.id": a.group, "auto.offset.reset": "earliest", "enable.auto.commit": False,
    })
    consumer.subscribe([a.topic])

    def poll():
        message = consumer.poll(1.0)
        if message is not None and message.error():
            raise KafkaException(message.error())
        return message and message.value()
    return poll, lambda: consumer.commit(asynchronous=False)


def python(a):
    """The same with kafka-python."""
    from kafka import KafkaConsumer
    consumer = KafkaConsumer(a.topic, bootstrap_servers=a.brokers, group_id=a.group + "-python", auto_offset_reset="earliest",
                             enable_auto_commit=False, consumer_timeout_ms=60_000)
    values = (message.value for message in consumer)
    return lambda: next(values, None), consumer.commit


def main():
    a = arguments()
    db = pymysql.connect(host=a.host, port=a.port, user=a.user, password=a.password, database=a.database, autocommit=False)
    cursor = db.cursor()
    cursor.execute(TABLE)
    poll, commit = confluent(a) if a.client == "confluent-kafka" else python(a)
    counts, seen = {}, set()
    done, start, idle = 0, None, time.monotonic()
    while done < a.events:
        value = poll()
        if value is None:
            if time.monotonic() - idle > 60:
                sys.exit(f"nothing came for a minute, after {done} events")
            continue
        idle = time.monotonic()
        start = start or idle
        event = json.loads(value)
        key = (event["time"][:10], event.get("campaign_id") or "", event.get("age_group") or "")
        count = counts.get(key)
        if count is None:
            count = counts[key] = [0, 0]
        count[0] += 1
        user = (key, event["user_id"])
        if user not in seen:
            seen.add(user)
            count[1] += 1
        done += 1
        if done % a.batch == 0 or done == a.events:
            cursor.executemany(UPSERT, [key + tuple(count) for key, count in counts.items()])
            db.commit()
            commit()
            counts.clear()
    took = time.monotonic() - start
    cpu = time.process_time()
    print(f"{done} events in {took:.2f} s, {done / took:.0f} events/s, CPU {cpu:.2f} s, {cpu / done * 1e6:.2f} us an event")


main()
