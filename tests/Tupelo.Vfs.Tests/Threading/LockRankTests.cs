// The lock-rank checker itself: it must be on here, cover every lock of the core, refuse a wrong order and say who waits for whom.
using System.Reflection;

namespace Tupelo.Vfs.Tests;

public sealed class LockRankTests
{
    // Their locks are the checker's own, or what a ranked lock is made of.
    private static readonly Type[] s_exempt = [typeof(LockRanks), typeof(RankedLock)];

    [Fact]
    public void Checker_IsOnInTests() => Assert.True(LockRanks.IsEnabled);

    // A lock that the checker does not know is a lock whose order nobody proves.
    [Fact]
    public void EveryLockOfTheCore_IsRanked()
    {
        Type[] unranked =
        [
            typeof(Lock), typeof(SpinLock), typeof(Mutex), typeof(Semaphore), typeof(SemaphoreSlim), typeof(ReaderWriterLock),
            typeof(ReaderWriterLockSlim), typeof(ManualResetEvent), typeof(ManualResetEventSlim), typeof(AutoResetEvent), typeof(Barrier),
        ];
        string[] found = [.. FieldsOfTheCore()
            .Where(field => unranked.Contains(field.FieldType) && !s_exempt.Contains(field.DeclaringType))
            .Select(field => $"{field.DeclaringType}.{field.Name}")];
        Assert.Empty(found);
    }

    // Reader-writer locks are taken through VnodeLock and PositionLock only, which tell the checker.
    [Fact]
    public void ReaderWriterLocks_AreThoseOfVnodesAndPositions()
    {
        string[] found = [.. FieldsOfTheCore().Where(field => field.FieldType == typeof(RwLock)).Select(field => $"{field.DeclaringType!.Name}.{field.Name}").Order()];
        Assert.Equal(["OpenFile.PositionLock", "Vnode.ContentLock"], found);
    }

    // `lock (object)` is left to the parking lot of RwLock and to sleepers, which wait on their monitor.
    [Fact]
    public void LockStatements_AreThoseThatWaitOnTheirMonitor()
    {
        string root = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(root, "Tupelo.slnx")))
        {
            root = Path.GetDirectoryName(root)!;
        }
        string[] found = [.. Directory.GetFiles(Path.Combine(root, "src", "Tupelo.Vfs"), "*.cs", SearchOption.AllDirectories)
            .Where(file => File.ReadLines(file).Any(line => line.TrimStart().StartsWith("lock (", StringComparison.Ordinal)))
            .Select(file => Path.GetFileName(file)).Order(StringComparer.Ordinal)];
        Assert.Equal(["BlockingWait.cs", "LockRank.cs", "RwLock.cs"], found);
    }

    [Fact]
    public void LowerRankUnderHigher_IsRefused()
    {
        var inner = new RankedLock(LockRank.Leaf);
        var outer = new RankedLock(LockRank.Source);
        using (inner.EnterScope())
        {
            LockOrderException refused = Assert.Throws<LockOrderException>(() => outer.Enter());
            Assert.Contains("Source", refused.Message, StringComparison.Ordinal);
        }
        Assert.Equal(0, LockRanks.HeldByThisThread);
    }

    [Fact]
    public void SameMutexTwice_IsRefusedAndNotADeadlock()
    {
        var mutex = new RankedLock(LockRank.Leaf);
        using (mutex.EnterScope())
        {
            _ = Assert.Throws<LockOrderException>(() => mutex.Enter());
        }
    }

    [Fact]
    public void TwoOfOneRank_OnlyBySerial()
    {
        var first = new RankedLock(LockRank.Source, 1);
        var second = new RankedLock(LockRank.Source, 2);
        using (first.EnterScope())
        {
            second.Enter();
            second.Exit();
        }
        using (second.EnterScope())
        {
            _ = Assert.Throws<LockOrderException>(() => first.Enter());
        }
    }

    [Fact]
    public void Describe_SaysWhoHoldsAndWhoWaits()
    {
        var mutex = new RankedLock(LockRank.Namespace);
        var waiter = new Thread(() =>
        {
            mutex.Enter();
            mutex.Exit();
        })
        { Name = "the waiter" };
        mutex.Enter();
        waiter.Start();
        Assert.True(SpinWait.SpinUntil(() => LockRanks.Describe().Contains("the waiter: waits for Namespace", StringComparison.Ordinal), TimeSpan.FromSeconds(10)),
            LockRanks.Describe());
        Assert.Contains("holds Namespace", LockRanks.Describe(), StringComparison.Ordinal);
        mutex.Exit();
        waiter.Join();
        Assert.Equal(0, LockRanks.HeldByThisThread);
    }

    private static IEnumerable<FieldInfo> FieldsOfTheCore() => typeof(VfsKernel).Assembly.GetTypes().SelectMany(type =>
        type.GetFields(BindingFlags.Instance | BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly));
}
