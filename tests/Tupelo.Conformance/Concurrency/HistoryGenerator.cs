// Which calls the threads of one history make: a function of its seed.
using static Tupelo.Conformance.LinuxAbi;

namespace Tupelo.Conformance;

/// <summary>The calls of one history, not made yet.</summary>
/// <param name="Seed">What it was made from.</param>
/// <param name="IsNested">d2 begins in d1, not in d0.</param>
/// <param name="Threads">The calls of each thread, in order.</param>
public sealed record PlannedHistory(int Seed, bool IsNested, NamespaceCall[][] Threads)
{
    /// <summary>What the file system cannot do is left out.</summary>
    public static PlannedHistory Make(int seed, int threads, Features features)
    {
        var random = new Random(seed);
        bool nested = random.Next(2) == 0;
        // Few names or many, in one directory or in all: contention and moves about the tree.
        int directories = random.Next(1, NamespaceModel.Directories + 1);
        int names = random.Next(2, NamespaceModel.Names + 1);
        int length = Math.Clamp(24 / threads, 3, 8);
        byte nextId = NamespaceModel.FirstNewId;
        var calls = new NamespaceCall[threads][];
        for (int thread = 0; thread < threads; thread++)
        {
            calls[thread] = new NamespaceCall[length];
            for (int i = 0; i < length; i++)
            {
                calls[thread][i] = MakeCall(random, thread, directories, names, nextId++, features);
            }
        }
        return new PlannedHistory(seed, nested, calls);
    }

    private static NamespaceCall MakeCall(Random random, int thread, int directories, int names, byte newId, Features features)
    {
        NamespaceCallKind kind = random.Next(20) switch
        {
            0 or 1 => NamespaceCallKind.Create,
            2 => NamespaceCallKind.OpenOrCreate,
            3 or 4 => NamespaceCallKind.MakeDirectory,
            5 or 6 => NamespaceCallKind.Unlink,
            7 or 8 => NamespaceCallKind.RemoveDirectory,
            9 or 10 when (features & Features.HardLinks) != 0 => NamespaceCallKind.Link,
            >= 9 and <= 14 => NamespaceCallKind.Rename,
            15 or 16 => NamespaceCallKind.Stat,
            17 => NamespaceCallKind.StatParent,
            _ => NamespaceCallKind.ReadDirectory,
        };
        return new NamespaceCall
        {
            Thread = thread,
            Kind = kind,
            Directory = kind == NamespaceCallKind.StatParent ? random.Next(1, NamespaceModel.Directories) : random.Next(directories),
            Name = random.Next(names),
            NewDirectory = random.Next(directories),
            NewName = random.Next(names),
            Flags = (features & Features.RenameFlags) == 0 ? 0 : random.Next(3) switch { 0 => RENAME_EXCHANGE, 1 => RENAME_NOREPLACE, _ => 0 },
            NewId = newId,
        };
    }
}
