namespace Tupelo.Abi.Tests;

public sealed class TimespecTests
{
    [Theory]
    [InlineData("1970-01-01T00:00:00Z", 0, 0)]
    [InlineData("1969-12-31T23:59:59.9999999Z", -1, 999_999_900)]
    [InlineData("1969-12-31T23:59:59Z", -1, 0)]
    [InlineData("2001-09-09T01:46:40.1234567Z", 1_000_000_000, 123_456_700)]
    [InlineData("2038-01-19T03:14:08Z", 1L << 31, 0)]
    [InlineData("0001-01-01T00:00:00Z", -62_135_596_800, 0)]
    [InlineData("9999-12-31T23:59:59.9999999Z", 253_402_300_799, 999_999_900)]
    public void Date_IsAnInstant_AndBack(string date, long seconds, int nanoseconds)
    {
        DateTimeOffset time = DateTimeOffset.Parse(date);
        Assert.Equal(new Timespec(seconds, nanoseconds), Timespec.FromDateTimeOffset(time));
        Assert.Equal(time, new Timespec(seconds, nanoseconds).ToDateTimeOffset());
    }

    [Fact]
    public void Date_IsTheSameInstant_InEveryZone()
    {
        Assert.Equal(new Timespec(0, 0), Timespec.FromDateTimeOffset(new DateTimeOffset(1970, 1, 1, 5, 30, 0, TimeSpan.FromMinutes(330))));
    }

    [Theory]
    [InlineData(long.MinValue, "0001-01-01")]
    [InlineData(-62_135_596_801, "0001-01-01")]
    [InlineData(253_402_300_800, "9999-12-31")]
    [InlineData(long.MaxValue, "9999-12-31")]
    public void InstantBeyondTheCalendar_IsClamped(long seconds, string day) =>
        Assert.Equal(day, new Timespec(seconds, 999_999_999).ToDateTimeOffset().ToString("yyyy-MM-dd"));

    [Fact]
    public void Order_IsThatOfTime()
    {
        Timespec[] ordered =
        [
            new(long.MinValue, 0), new(-2, 999_999_999), new(-1, 0), new(-1, 5), new(0, 0), new(0, 1), new(1, 0), new(long.MaxValue, 999_999_999),
        ];
        for (int i = 0; i < ordered.Length; i++)
        {
            for (int j = 0; j < ordered.Length; j++)
            {
                Assert.Equal(i.CompareTo(j), Math.Sign(ordered[i].CompareTo(ordered[j])));
                Assert.Equal(i < j, ordered[i] < ordered[j]);
                Assert.Equal(i > j, ordered[i] > ordered[j]);
                Assert.Equal(i <= j, ordered[i] <= ordered[j]);
                Assert.Equal(i >= j, ordered[i] >= ordered[j]);
                Assert.Equal(i == j, ordered[i] == ordered[j]);
                Assert.Equal(i.CompareTo(j), ordered[i].TotalNanoseconds.CompareTo(ordered[j].TotalNanoseconds));
            }
        }
        Assert.Equal(-1_999_999_999, new Timespec(-2, 1).TotalNanoseconds);
    }
}
