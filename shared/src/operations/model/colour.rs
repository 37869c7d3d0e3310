//! Colours of a theme, and whether text in one can be read on another (WCAG 2.2, 1.4.3).

/// A colour as `#rrggbb` writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Colour([u8; 3]);

/// White.
pub const WHITE: Colour = Colour([255; 3]);
/// Black.
pub const BLACK: Colour = Colour([0; 3]);

/// Linear light of each value of a channel, in millionths.
#[rustfmt::skip]
const LIGHT: [u32; 256] = [
    0, 304, 607, 911, 1214, 1518, 1821, 2125, 2428, 2732, 3035, 3347, 3677, 4025, 4391, 4777, 5182, 5605, 6049,
    6512, 6995, 7499, 8023, 8568, 9134, 9721, 10_330, 10_960, 11_612, 12_286, 12_983, 13_702, 14_444, 15_209,
    15_996, 16_807, 17_642, 18_500, 19_382, 20_289, 21_219, 22_174, 23_153, 24_158, 25_187, 26_241, 27_321, 28_426,
    29_557, 30_713, 31_896, 33_105, 34_340, 35_601, 36_889, 38_204, 39_546, 40_915, 42_311, 43_735, 45_186, 46_665,
    48_172, 49_707, 51_269, 52_861, 54_480, 56_128, 57_805, 59_511, 61_246, 63_010, 64_803, 66_626, 68_478, 70_360,
    72_272, 74_214, 76_185, 78_187, 80_220, 82_283, 84_376, 86_500, 88_656, 90_842, 93_059, 95_307, 97_587, 99_899,
    102_242, 104_616, 107_023, 109_462, 111_932, 114_435, 116_971, 119_538, 122_139, 124_772, 127_438, 130_136,
    132_868, 135_633, 138_432, 141_263, 144_128, 147_027, 149_960, 152_926, 155_926, 158_961, 162_029, 165_132,
    168_269, 171_441, 174_647, 177_888, 181_164, 184_475, 187_821, 191_202, 194_618, 198_069, 201_556, 205_079,
    208_637, 212_231, 215_861, 219_526, 223_228, 226_966, 230_740, 234_551, 238_398, 242_281, 246_201, 250_158,
    254_152, 258_183, 262_251, 266_356, 270_498, 274_677, 278_894, 283_149, 287_441, 291_771, 296_138, 300_544,
    304_987, 309_469, 313_989, 318_547, 323_143, 327_778, 332_452, 337_164, 341_914, 346_704, 351_533, 356_400,
    361_307, 366_253, 371_238, 376_262, 381_326, 386_429, 391_572, 396_755, 401_978, 407_240, 412_543, 417_885,
    423_268, 428_690, 434_154, 439_657, 445_201, 450_786, 456_411, 462_077, 467_784, 473_531, 479_320, 485_150,
    491_021, 496_933, 502_886, 508_881, 514_918, 520_996, 527_115, 533_276, 539_479, 545_724, 552_011, 558_340,
    564_712, 571_125, 577_580, 584_078, 590_619, 597_202, 603_827, 610_496, 617_207, 623_960, 630_757, 637_597,
    644_480, 651_406, 658_375, 665_387, 672_443, 679_542, 686_685, 693_872, 701_102, 708_376, 715_694, 723_055,
    730_461, 737_910, 745_404, 752_942, 760_525, 768_151, 775_822, 783_538, 791_298, 799_103, 806_952, 814_847,
    822_786, 830_770, 838_799, 846_873, 854_993, 863_157, 871_367, 879_622, 887_923, 896_269, 904_661, 913_099,
    921_582, 930_111, 938_686, 947_307, 955_973, 964_686, 973_445, 982_251, 991_102, 1_000_000,
];

impl Colour {
    /// A colour by its channels.
    pub const fn of(red: u8, green: u8, blue: u8) -> Self {
        Self([red, green, blue])
    }

    /// Reads `#rrggbb`.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('#').filter(|rest| rest.len() == 6 && rest.is_ascii())?;
        let channel = |at: usize| u8::from_str_radix(digits.get(at..at.saturating_add(2))?, 16).ok();
        Some(Self([channel(0)?, channel(2)?, channel(4)?]))
    }

    /// This colour with so many hundredths of another.
    pub fn mixed(self, other: Self, hundredths: u32) -> Self {
        let part = hundredths.min(100);
        let channel = |(own, other): (u8, u8)| {
            let own = u32::from(own).saturating_mul(100_u32.saturating_sub(part));
            let sum = own.saturating_add(u32::from(other).saturating_mul(part)).saturating_add(50);
            u8::try_from(sum / 100).unwrap_or(u8::MAX)
        };
        let [red, green, blue] = self.0;
        let [other_red, other_green, other_blue] = other.0;
        Self([channel((red, other_red)), channel((green, other_green)), channel((blue, other_blue))])
    }

    /// True if text of this colour has at least the contrast 4.5 on the other, either way.
    pub fn is_readable_on(self, other: Self) -> bool {
        let (one, two) = (self.luminance(), other.luminance());
        let (lighter, darker) = (one.max(two), one.min(two));
        lighter.saturating_add(FLARE).saturating_mul(10) >= darker.saturating_add(FLARE).saturating_mul(45)
    }

    /// Relative luminance, in ten-thousandths of a millionth.
    fn luminance(self) -> u64 {
        let [red, green, blue] = self.0.map(|channel| u64::from(LIGHT.get(usize::from(channel)).copied().unwrap_or(0)));
        let parts = [red.saturating_mul(2_126), green.saturating_mul(7_152), blue.saturating_mul(722)];
        parts.into_iter().fold(0, u64::saturating_add)
    }
}

/// Stray light that the contrast allows for, 0.05, in units of [`Colour::luminance`].
const FLARE: u64 = 500_000_000;

impl std::fmt::Display for Colour {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [red, green, blue] = self.0;
        write!(f, "#{red:02x}{green:02x}{blue:02x}")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn colour(text: &str) -> Colour {
        Colour::parse(text).unwrap()
    }

    /// C8.1: contrast as WCAG defines it: #767676 is the lightest grey that can be read on white.
    #[test]
    fn contrast_is_that_of_wcag() {
        assert!(colour("#767676").is_readable_on(WHITE) && WHITE.is_readable_on(colour("#767676")));
        assert!(!colour("#777777").is_readable_on(WHITE));
        assert!(BLACK.is_readable_on(WHITE) && !BLACK.is_readable_on(BLACK));
    }

    #[test]
    fn a_colour_is_read_mixed_and_written() {
        for wrong in ["", "#fff", "0b6a4e0", "#0b6a4g", "#0b6a4e0", "#€€"] {
            assert_eq!(Colour::parse(wrong), None, "{wrong}");
        }
        assert_eq!(colour("#0b6a4e").to_string(), "#0b6a4e");
        assert_eq!(BLACK.mixed(WHITE, 50).to_string(), "#808080");
        assert_eq!(colour("#0b6a4e").mixed(WHITE, 0), colour("#0b6a4e"));
        assert_eq!(colour("#0b6a4e").mixed(WHITE, 100), WHITE);
    }
}
