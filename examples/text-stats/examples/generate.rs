//! Writes the example's input to standard output: trips of an invented bicycle-hire scheme, the same every time.
//!
//! `cargo run --example generate > data/trips.csv`

const ROWS: u64 = 4_000;
const STATIONS: [&str; 14] = [
    "Harbour",
    "Old Market",
    "Central Station",
    "University",
    "Botanic Garden",
    "Opera",
    "Stadium",
    "North Gate",
    "Canal Bridge",
    "City Hall",
    "Museum Quarter",
    "Hospital",
    "Tech Park",
    "Airport Rail",
];
const WEATHER: [(&str, f64); 4] = [("clear", 1.0), ("cloudy", 0.9), ("rain", 0.55), ("snow", 0.3)];

fn main() {
    let mut random = Random(20_260_101);
    println!(
        "trip_id,start,station_from,station_to,distance_km,duration_min,rider,weather,temperature_c,fare_eur,note"
    );
    for id in 1..=ROWS {
        let day = random.below(365);
        let season = (std::f64::consts::TAU * (day as f64 - 200.0) / 365.0).cos();
        let temperature = 11.0 + 11.0 * season + 3.0 * random.normal();
        let weather = match (random.unit(), temperature) {
            (roll, cold) if cold < 1.0 && roll < 0.3 => WEATHER[3],
            (roll, _) if roll < 0.2 => WEATHER[2],
            (roll, _) if roll < 0.5 => WEATHER[1],
            _ => WEATHER[0],
        };
        // Two commuting peaks over an even background.
        let hour = match random.below(10) {
            0..=2 => 8.0 + random.normal(),
            3..=5 => 17.5 + 1.2 * random.normal(),
            _ => 6.0 + 17.0 * random.unit(),
        }
        .clamp(0.0, 23.99);
        let (from, to) = (random.station(), random.station());
        let distance = (0.6 + (0.8 + 0.55 * random.normal()).exp() * weather.1.max(0.6)).min(28.0);
        let member = random.below(100) < 68;
        let speed = if member { 15.5 } else { 11.5 } + 2.0 * random.normal();
        let minutes = 1.5 + 60.0 * distance / speed.max(6.0);
        let fare = if member { (0.05 * (minutes - 30.0)).max(0.0) } else { 1.0 + 0.18 * minutes };
        let note = match random.below(200) {
            0 => "\"flat tyre, replaced\"",
            1 => "\"bike reported \"\"noisy\"\"\"",
            2 => "dock full",
            _ => "",
        };
        let temperature = if random.below(50) == 0 { String::new() } else { format!("{temperature:.1}") };
        println!(
            "{id},{},{from},{to},{distance:.2},{minutes:.1},{},{},{temperature},{fare:.2},{note}",
            timestamp(day, hour),
            if member { "member" } else { "casual" },
            weather.0,
        );
    }
}

/// A moment of 2025.
fn timestamp(mut day: u64, hour: f64) -> String {
    let lengths = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 0;
    while day >= lengths[month] {
        day -= lengths[month];
        month += 1;
    }
    let minutes = (hour * 60.0) as u64;
    format!("2025-{:02}-{:02}T{:02}:{:02}", month + 1, day + 1, minutes / 60, minutes % 60)
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// From 0 to 1.
    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Close to a standard normal: the sum of twelve uniform numbers.
    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.unit()).sum::<f64>() - 6.0
    }

    /// Stations near the front of the list are busier.
    fn station(&mut self) -> &'static str {
        let share = self.unit() * self.unit();
        STATIONS[(share * STATIONS.len() as f64) as usize]
    }
}
