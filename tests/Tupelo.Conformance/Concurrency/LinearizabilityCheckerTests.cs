// The checker is trusted with the file layer, so it is tried itself: histories with an order pass, those without are refused, it
// agrees with a search through all orders, and a file layer whose rename is torn on purpose is found out.
using static Tupelo.Conformance.LinuxAbi;

namespace Tupelo.Conformance;

public sealed class LinearizabilityCheckerTests
{
    // In all histories here d1 is d0/w and d2 is d0/x; y and z are free.
    private const int Y = 2;
    private const int Z = 3;

    [Fact]
    public void CreatedBeforeStat_ThatMissesIt_IsRefused() => Refuses(
        At(0, 1, new NamespaceCall { Thread = 0, Kind = NamespaceCallKind.Create, Directory = 0, Name = Y, NewId = 9 }),
        At(2, 3, Stat(1, Y), Errno.ENOENT));

    [Fact]
    public void StatDuringCreate_MayMissItOrSeeIt()
    {
        NamespaceCall create = At(0, 10, new NamespaceCall { Thread = 0, Kind = NamespaceCallKind.Create, Directory = 0, Name = Y, NewId = 9 });
        Accepts(create, At(2, 3, Stat(1, Y), Errno.ENOENT));
        Accepts(create, At(2, 3, Saw(Stat(1, Y), 9)));
    }

    [Fact]
    public void StatThatSeesIt_ThenStatThatMissesIt_IsRefusedDuringCreate() => Refuses(
        At(0, 10, new NamespaceCall { Thread = 0, Kind = NamespaceCallKind.Create, Directory = 0, Name = Y, NewId = 9 }),
        At(2, 3, Saw(Stat(1, Y), 9)),
        At(4, 5, Stat(1, Y), Errno.ENOENT));

    [Fact]
    public void TwoExclusiveCreates_ThatBothSucceed_AreRefused() => Refuses(
        At(0, 10, new NamespaceCall { Thread = 0, Kind = NamespaceCallKind.Create, Directory = 0, Name = Y, NewId = 9 }),
        At(0, 10, new NamespaceCall { Thread = 1, Kind = NamespaceCallKind.Create, Directory = 0, Name = Y, NewId = 10 }));

    [Fact]
    public void RenameDuringWhich_NeitherNameIsThere_IsRefused()
    {
        NamespaceCall create = At(0, 1, new NamespaceCall { Thread = 0, Kind = NamespaceCallKind.Create, Directory = 0, Name = Y, NewId = 9 });
        NamespaceCall rename = At(2, 20, Rename(0, Y, Z));
        // New name missing, then the old one too: at no moment was it anywhere.
        Refuses(create, rename, At(3, 4, Stat(1, Y), Errno.ENOENT), At(5, 6, Stat(1, Z), Errno.ENOENT));
        // The other way round it may have moved in between.
        Accepts(create, rename, At(3, 4, Stat(1, Z), Errno.ENOENT), At(5, 6, Stat(1, Y), Errno.ENOENT));
    }

    [Fact]
    public void ExchangeThatShowsBothAtOnePlace_IsRefused()
    {
        NamespaceCall one = At(0, 1, new NamespaceCall { Thread = 0, Kind = NamespaceCallKind.Create, Directory = 0, Name = Y, NewId = 9 });
        NamespaceCall two = At(2, 3, new NamespaceCall { Thread = 0, Kind = NamespaceCallKind.Create, Directory = 0, Name = Z, NewId = 10 });
        NamespaceCall exchange = At(4, 20, Rename(0, Y, Z, RENAME_EXCHANGE));
        Refuses(one, two, exchange, At(5, 6, Saw(Stat(1, Y), 10)), At(7, 8, Saw(Stat(1, Z), 10)));
        Accepts(one, two, exchange, At(5, 6, Saw(Stat(1, Y), 10)), At(7, 8, Saw(Stat(1, Z), 9)));
    }

    [Fact]
    public void ListingWithoutANameThatWasThereThroughout_IsRefused() => Refuses(
        At(0, 1, new NamespaceCall { Thread = 0, Kind = NamespaceCallKind.Create, Directory = 0, Name = Y, NewId = 9 }),
        At(2, 3, Listing(1, ListedKind.Directory, ListedKind.Directory, ListedKind.Absent, ListedKind.Absent)));

    [Fact]
    public void ListingOfANameThatWasNeverThere_IsRefused() => Refuses(
        At(2, 3, Listing(1, ListedKind.Directory, ListedKind.Directory, ListedKind.Absent, ListedKind.File)));

    [Fact]
    public void ListingDuringRename_MayShowBothNamesOrNone()
    {
        NamespaceCall create = At(0, 1, new NamespaceCall { Thread = 0, Kind = NamespaceCallKind.Create, Directory = 0, Name = Y, NewId = 9 });
        NamespaceCall rename = At(2, 20, Rename(0, Y, Z));
        Accepts(create, rename, At(3, 19, Listing(1, ListedKind.Directory, ListedKind.Directory, ListedKind.File, ListedKind.File)));
        Accepts(create, rename, At(3, 19, Listing(1, ListedKind.Directory, ListedKind.Directory, ListedKind.Absent, ListedKind.Absent)));
    }

    [Fact]
    public void LinkOfAFileThatLostItsName_MaySucceedOnlyWhileItHasAnother()
    {
        NamespaceCall create = At(0, 1, new NamespaceCall { Thread = 0, Kind = NamespaceCallKind.Create, Directory = 0, Name = Y, NewId = 9 });
        NamespaceCall other = At(2, 3, Link(0, 0, Y, 1, Y));
        NamespaceCall link = At(4, 20, Link(0, 0, Y, 0, Z));
        NamespaceCall unlink = At(5, 6, new NamespaceCall { Thread = 1, Kind = NamespaceCallKind.Unlink, Directory = 0, Name = Y });
        NamespaceCall notYet = At(7, 8, Stat(1, Z), Errno.ENOENT);
        NamespaceCall there = At(21, 22, Saw(Stat(1, Z), 9));
        Accepts(create, other, link, unlink, notYet, there);
        Refuses(create, link, unlink, notYet, there);
    }

    [Fact]
    public void RemovedDirectoryThatTakesANewFile_IsRefused() => Refuses(
        At(0, 1, new NamespaceCall { Thread = 0, Kind = NamespaceCallKind.RemoveDirectory, Directory = 0, Name = 0 }),
        At(2, 3, new NamespaceCall { Thread = 1, Kind = NamespaceCallKind.Create, Directory = 1, Name = Y, NewId = 9 }));

    // Registers with random intervals: small enough to try every order.
    [Fact]
    public void Search_AgreesWithTryingEveryOrder()
    {
        int accepted = 0;
        for (int seed = 0; seed < 3000; seed++)
        {
            var random = new Random(seed);
            int count = random.Next(1, 7);
            var steps = new Step[count];
            var operations = new (bool Writes, int Value)[count];
            for (int i = 0; i < count; i++)
            {
                int invoked = random.Next(12);
                steps[i] = new Step(invoked, invoked + random.Next(6));
                operations[i] = (random.Next(2) == 0, random.Next(3));
            }
            var model = new Register(operations);
            bool expected = Orders(count).Any(order => IsOrder(order, steps, model));
            Verdict verdict = LinearizabilityChecker.Check(steps, model, 0);
            Assert.True(expected == verdict.IsLinearizable, $"seed {seed}");
            if (verdict.IsLinearizable)
            {
                accepted++;
                Assert.True(IsOrder([.. verdict.Order], steps, model), $"seed {seed}: the order that was found is none");
            }
        }
        Assert.InRange(accepted, 300, 2700);
    }

    // Rename made of link and unlink: there is a moment with both names.
    [Fact]
    public void TornRename_IsFoundInRealHistories()
    {
        var mount = new RamFsMount();
        using ISyscalls first = mount.Boot();
        _ = first.Umask(0);
        using ISyscalls second = first.Fork();
        using var recorder = new HistoryRecorder([first, second], mount.DescribeLocks)
        {
            RenameAt = static (s, oldDirectory, oldName, newDirectory, newName, flags) =>
            {
                long linked = flags == 0 ? s.LinkAt(oldDirectory, oldName, newDirectory, newName, 0) : -1;
                if (linked < 0)
                {
                    return s.RenameAt2(oldDirectory, oldName, newDirectory, newName, flags);
                }
                Thread.SpinWait(5000);
                return s.UnlinkAt(oldDirectory, oldName, 0);
            },
        };
        for (int seed = 0; seed < 20_000; seed++)
        {
            PlannedHistory plan = PlannedHistory.Make(seed, 2, Features.All);
            if (!ConcurrencySuite<RamFsMount>.IsLinearizable(plan, recorder.Record(plan, Features.All), out string report))
            {
                Assert.Contains($"seed {seed}", report, StringComparison.Ordinal);
                return;
            }
        }
        Assert.Fail("20,000 histories did not show that rename is torn");
    }

    private static void Accepts(params NamespaceCall[] calls) => Assert.True(Judge(calls, out string report), report);

    private static void Refuses(params NamespaceCall[] calls) => Assert.False(Judge(calls, out _));

    private static bool Judge(NamespaceCall[] calls, out string report) =>
        ConcurrencySuite<RamFsMount>.IsLinearizable(new PlannedHistory(0, IsNested: false, []), [.. calls], out report);

    private static NamespaceCall At(long invoked, long returned, NamespaceCall call, Errno errno = Errno.None)
    {
        call.Invoked = invoked;
        call.Returned = returned;
        call.Result = -(long)errno;
        return call;
    }

    private static NamespaceCall Stat(int thread, int name) => new() { Thread = thread, Kind = NamespaceCallKind.Stat, Directory = 0, Name = name };

    private static NamespaceCall Saw(NamespaceCall call, byte id)
    {
        call.SeenId = id;
        return call;
    }

    private static NamespaceCall Rename(int thread, int from, int to, uint flags = 0) =>
        new() { Thread = thread, Kind = NamespaceCallKind.Rename, Directory = 0, Name = from, NewDirectory = 0, NewName = to, Flags = flags };

    private static NamespaceCall Link(int thread, int directory, int name, int newDirectory, int newName) =>
        new() { Thread = thread, Kind = NamespaceCallKind.Link, Directory = directory, Name = name, NewDirectory = newDirectory, NewName = newName };

    private static NamespaceCall Listing(int thread, params ListedKind[] listed) =>
        new() { Thread = thread, Kind = NamespaceCallKind.ReadDirectory, Directory = 0, Listed = listed };

    private static bool IsOrder(int[] order, Step[] steps, Register model)
    {
        int state = 0;
        for (int i = 0; i < order.Length; i++)
        {
            for (int later = i + 1; later < order.Length; later++)
            {
                if (steps[order[later]].Returned < steps[order[i]].Invoked)
                {
                    return false;
                }
            }
            if (!model.TryApply(order[i], ref state))
            {
                return false;
            }
        }
        return true;
    }

    private static IEnumerable<int[]> Orders(int count)
    {
        if (count == 0)
        {
            yield return [];
            yield break;
        }
        foreach (int[] shorter in Orders(count - 1))
        {
            for (int at = 0; at <= shorter.Length; at++)
            {
                yield return [.. shorter[..at], count - 1, .. shorter[at..]];
            }
        }
    }

    private sealed class Register((bool Writes, int Value)[] operations) : ISequentialModel<int>
    {
        public bool TryApply(int step, ref int state)
        {
            if (operations[step].Writes)
            {
                state = operations[step].Value;
                return true;
            }
            return operations[step].Value == state;
        }
    }
}
