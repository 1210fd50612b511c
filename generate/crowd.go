package generate

import (
	"math"
	"math/rand/v2"
)

// person is one of a crowd. What sticks to a person comes from the campaign of the first visit.
type person struct {
	number uint64 // of the user id
	traits
	device uint8
}

// crowd is everybody who has come so far, in the order of coming.
type crowd struct {
	people []person
	next   uint64  // number of the next one
	first  []int   // of each day, in people
	weight mixture // how much of the returning visits is due to those of each day, as of the last age
	until  int     // people as of the last age
}

func (c *crowd) empty() bool { return c.weight.total() == 0 }

// age makes it an hour of a day: those of a day before return as stays says for the days since.
func (c *crowd) age(day int, stays []float64) {
	for len(c.first) <= day {
		c.first = append(c.first, len(c.people))
	}
	c.weight, c.until = c.weight[:0], len(c.people)
	for d, first := range c.first[:day+1] {
		c.weight = c.weight.and(float64(c.end(d)-first) * stays[day-d])
	}
}

// end is behind the last one of a day.
func (c *crowd) end(day int) int {
	if day+1 < len(c.first) {
		return c.first[day+1]
	}
	return c.until
}

// join adds somebody whom a campaign brings, at an hour at which the countries are so busy.
func (c *crowd) join(rng *rand.Rand, by *campaign, busy *[12]float64) uint32 {
	country := by.countries.at(rng.Float64())
	for rng.Float64() > busy[country] {
		country = by.countries.at(rng.Float64())
	}
	c.people = append(c.people, person{c.next, traits{uint8(by.ages.at(rng.Float64())), uint8(country)}, uint8(by.devices.at(rng.Float64()))})
	c.next++
	return uint32(len(c.people) - 1)
}

// tries is how many people are asked for whether they come at such an hour, by such a campaign. The last one has to.
const tries = 40

// back draws somebody who returns. Of those who came on one day, some do much more often than others.
func (c *crowd) back(rng *rand.Rand, by *campaign, busy *[12]float64) uint32 {
	user := 0
	for range tries {
		day := c.weight.at(rng.Float64())
		first, n := c.first[day], c.end(day)-c.first[day]
		user = first + int(float64(n)*math.Pow(rng.Float64(), loyal))
		who := &c.people[user]
		if rng.Float64() < busy[who.country]*by.keen[0][who.age]*by.keen[1][who.country] {
			break
		}
	}
	return uint32(user)
}

const loyal = 1.6
