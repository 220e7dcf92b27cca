using System.Diagnostics;

namespace Tupelo.Tfs.Tests;

public sealed class TfsAllocatorTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void RandomAllocationsAndFrees_NeverGiveASectorTwice_AndAlwaysComeBack(int seed)
    {
        const int Total = 4000;
        var random = new Random(seed);
        var allocator = new TfsAllocator(Total);
        var owner = new bool[Total];
        var held = new List<(long Start, long Count)>();
        for (int step = 0; step < 30_000; step++)
        {
            if (random.Next(2) == 0 || held.Count == 0)
            {
                long wanted = random.Next(1, 40);
                long minimum = random.Next(1, (int)wanted + 1);
                long goal = random.Next(Total);
                bool isFree = allocator.TryAllocate(wanted, minimum, goal, 1 << random.Next(4), 0, out long start, out long count);
                int longest = LongestFree(owner);
                Assert.Equal(longest >= minimum, isFree);
                if (!isFree)
                {
                    continue;
                }
                Assert.InRange(count, minimum, wanted);
                Assert.True(count == wanted || longest < wanted, $"{count} of {wanted} given although {longest} are free in a row (seed {seed})");
                Take(owner, start, count);
                held.Add((start, count));
            }
            else
            {
                int which = random.Next(held.Count);
                (long start, long count) = held[which];
                held.RemoveAt(which);
                if (count > 1 && random.Next(3) == 0)
                {
                    held.Add((start, 1));
                    (start, count) = (start + 1, count - 1);
                }
                for (long sector = start; sector < start + count; sector++)
                {
                    owner[sector] = false;
                }
                allocator.Free(start, count);
            }
            Assert.Equal(owner.Count(used => !used), allocator.FreeSectors);
        }
        foreach ((long start, long count) in held)
        {
            allocator.Free(start, count);
        }
        Assert.Equal([(0, Total)], allocator.FreeRuns());
    }

    [Fact]
    public void Goal_IsMetExactly_WhenItIsFree()
    {
        var allocator = new TfsAllocator(1000);
        Assert.True(allocator.TryAllocate(10, 10, 501, 8, 0, out long start, out _));
        Assert.Equal(501, start);
        Assert.True(allocator.TryAllocate(16, 16, 501, 8, 0, out start, out _));
        Assert.Equal(512, start);
    }

    [Fact]
    public void Reservation_KeepsOthersOut_AndIsUsedUpByItsOwner()
    {
        var allocator = new TfsAllocator(100);
        Assert.True(allocator.TryReserve(60));
        Assert.False(allocator.TryReserve(41));
        Assert.True(allocator.TryAllocate(50, 1, 0, 1, 0, out _, out long count));
        Assert.Equal(40, count);
        Assert.False(allocator.TryAllocate(1, 1, 0, 1, 0, out _, out _));
        Assert.True(allocator.TryAllocate(60, 60, 0, 1, 60, out _, out count));
        Assert.Equal(60, count);
        Assert.Equal(0, allocator.AvailableSectors);
    }

    [Fact]
    public void RetiredSectors_AreNotGivenOut_BeforeTheyAreReleased()
    {
        var allocator = new TfsAllocator(10);
        Assert.True(allocator.TryAllocate(10, 10, 0, 1, 0, out _, out _));
        allocator.Retire(4);
        Assert.Equal(4, allocator.FreeSectors);
        Assert.False(allocator.TryAllocate(1, 1, 0, 1, 0, out _, out _));
        allocator.Release([(3, 4)]);
        Assert.True(allocator.TryAllocate(4, 4, 0, 1, 0, out long start, out _));
        Assert.Equal(3, start);
    }

    [Fact]
    public void FreeingTwice_IsABugThatIsCaught()
    {
        var allocator = new TfsAllocator(10);
        Assert.True(allocator.TryAllocate(5, 5, 0, 1, 0, out _, out _));
        allocator.Free(0, 5);
        _ = Assert.Throws<InvalidOperationException>(() => allocator.Free(4, 1));
    }

    [Fact]
    public void Shrinking_IsRefused_WhileSomethingIsBehindTheNewEnd()
    {
        var allocator = new TfsAllocator(100);
        Assert.True(allocator.MarkUsed(90, 1));
        Assert.False(allocator.TryResize(90));
        Assert.True(allocator.TryResize(91));
        Assert.True(allocator.TryResize(200));
        Assert.Equal([(0, 90), (91, 109)], allocator.FreeRuns());
    }

    [Fact]
    public void AllocationStaysLogarithmic_WithAHundredThousandFreeRuns()
    {
        // Every second sector is free: a list or a bitmap scan would look at 100,000 runs to find none of two.
        var allocator = new TfsAllocator(200_000);
        for (int sector = 0; sector < 200_000; sector += 2)
        {
            Assert.True(allocator.MarkUsed(sector, 1));
        }
        long before = Stopwatch.GetTimestamp();
        for (int i = 0; i < 100_000; i++)
        {
            Assert.False(allocator.TryAllocate(2, 2, 0, 1, 0, out _, out _));
        }
        Assert.InRange(Stopwatch.GetElapsedTime(before).TotalSeconds, 0, 2);
    }

    private static void Take(bool[] owner, long start, long count)
    {
        for (long sector = start; sector < start + count; sector++)
        {
            Assert.False(owner[sector], $"sector {sector} was given twice");
            owner[sector] = true;
        }
    }

    private static int LongestFree(bool[] owner)
    {
        int longest = 0;
        int run = 0;
        foreach (bool used in owner)
        {
            run = used ? 0 : run + 1;
            longest = Math.Max(longest, run);
        }
        return longest;
    }
}
