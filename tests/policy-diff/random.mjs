// A seeded source of choices (splitmix32): the same seed gives the same programs everywhere.
export class Random {
	constructor(seed) {
		this.state = seed >>> 0;
	}
	next() {
		this.state = (this.state + 0x9e3779b9) >>> 0;
		let z = this.state;
		z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
		z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
		return (z ^ (z >>> 15)) >>> 0;
	}
	below(n) {
		return this.next() % n;
	}
	between(low, high) {
		return low + this.below(high - low + 1);
	}
	chance(percent) {
		return this.below(100) < percent;
	}
	pick(list) {
		return list[this.below(list.length)];
	}
	some(low, high, make) {
		return Array.from({ length: this.between(low, high) }, (_, i) => make(i));
	}
	subset(list, percent) {
		return list.filter(() => this.chance(percent));
	}
}
