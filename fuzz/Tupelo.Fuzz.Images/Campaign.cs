// Many cases on all cores. Cases are independent and numbered, so any of them can be replayed from (seed, number) alone.
//
// Workers have small stacks, so that recursion which an image controls is found. A watchdog ends the process when a case does not
// come back: a thread cannot be stopped from outside. The number of the case that each worker is at stands in a file all the time,
// for the case that kills the process.
using System.Buffers.Binary;
using System.Diagnostics;
using System.Globalization;
using System.IO.MemoryMappedFiles;

namespace Tupelo.Fuzz.Images;

/// <param name="Seed">Of the campaign.</param>
/// <param name="FirstCase">Number of the first case.</param>
/// <param name="CaseCount">How many.</param>
/// <param name="Directory">Where failing images and the workers' positions are kept.</param>
/// <param name="Workers">Threads; 0 for one a core.</param>
/// <param name="MaxFailures">After so many the campaign ends.</param>
public sealed record CampaignOptions(ulong Seed, long FirstCase, long CaseCount, string Directory, int Workers = 0, int MaxFailures = 10);

/// <summary>One failing case.</summary>
public sealed record CampaignFailure(long Case, string Verdict, string Image);

public sealed class CampaignResult
{
    public List<CampaignFailure> Failures { get; } = [];

    public long Cases { get; internal set; }

    /// <summary>Opened without a fault, opened with faults, refused.</summary>
    public long Clean { get; internal set; }

    public long Faulty { get; internal set; }

    public long Refused { get; internal set; }

    public TimeSpan Elapsed { get; internal set; }

    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"{Cases} images in {Elapsed.TotalSeconds:F1} s ({Cases / Math.Max(0.001, Elapsed.TotalSeconds):F0}/s): {Clean} read, {Faulty} read with faults reported, {Refused} refused, {Failures.Count} failures");
}

public sealed class Campaign(CampaignOptions options, TextWriter output)
{
    private const int StackBytes = 512 << 10;
    private const long BatchCases = 64;
    private const int HangMilliseconds = 30_000;
    private readonly CampaignResult _result = new();
    private readonly Lock _resultMu = new(); // Guards _result and output.
    private long _next = options.FirstCase;

    public static CampaignResult Run(CampaignOptions options, TextWriter output) => new Campaign(options, output).Run();

    private CampaignResult Run()
    {
        System.IO.Directory.CreateDirectory(options.Directory);
        int count = options.Workers > 0 ? options.Workers : Environment.ProcessorCount;
        string positions = Path.Combine(options.Directory, "running.bin");
        ReportDeadRun(positions);
        using (var map = MemoryMappedFile.CreateFromFile(positions, FileMode.Create, null, count * 16L))
        using (MemoryMappedViewAccessor view = map.CreateViewAccessor())
        {
            RunWorkers(count, view);
        }
        File.Delete(positions);
        return _result;
    }

    private void RunWorkers(int count, MemoryMappedViewAccessor view)
    {
        long start = Stopwatch.GetTimestamp();
        var threads = new Thread[count];
        long[] since = new long[count];
        for (int worker = 0; worker < count; worker++)
        {
            int number = worker;
            threads[number] = new Thread(() => Work(number, view, since), StackBytes) { IsBackground = true, Name = "fuzz " + number };
            threads[number].Start();
        }
        for (int worker = 0; worker < count; worker++)
        {
            while (!threads[worker].Join(1000))
            {
                Watch(view, since);
            }
        }
        _result.Elapsed = Stopwatch.GetElapsedTime(start);
    }

    // The file is deleted at the end of a campaign: when it is there, an earlier process did not live to see it.
    private void ReportDeadRun(string positions)
    {
        if (!File.Exists(positions))
        {
            return;
        }
        ReadOnlySpan<byte> left = File.ReadAllBytes(positions);
        for (; left.Length >= 16; left = left[16..])
        {
            output.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"an earlier campaign ended while it was at seed {BinaryPrimitives.ReadUInt64LittleEndian(left)} case {BinaryPrimitives.ReadInt64LittleEndian(left[8..])}"));
        }
    }

    private void Work(int worker, MemoryMappedViewAccessor view, long[] since)
    {
        while (true)
        {
            long first = Interlocked.Add(ref _next, BatchCases) - BatchCases;
            long end = Math.Min(first + BatchCases, options.FirstCase + options.CaseCount);
            if (first >= end)
            {
                Volatile.Write(ref since[worker], 0);
                return;
            }
            long clean = 0;
            long faulty = 0;
            long refused = 0;
            long done = 0;
            for (long number = first; number < end; number++)
            {
                view.Write(worker * 16, options.Seed);
                view.Write((worker * 16) + 8, number);
                Volatile.Write(ref since[worker], Environment.TickCount64);
                var one = new FuzzCase(options.Seed, number);
                byte[] image = one.Build();
                string? verdict = Judge.Try(image, out ImageOutcome outcome);
                done++;
                if (verdict is not null)
                {
                    Volatile.Write(ref since[worker], Environment.TickCount64 + 120_000); // shrinking takes its time
                    if (Fail(one, number, verdict))
                    {
                        Interlocked.Exchange(ref _next, long.MaxValue / 2);
                        break;
                    }
                }
                clean += outcome is { Refused: null, Faults: 0 } ? 1 : 0;
                faulty += outcome is { Refused: null, Faults: > 0 } ? 1 : 0;
                refused += outcome.Refused is null ? 0 : 1;
            }
            lock (_resultMu)
            {
                _result.Cases += done;
                _result.Clean += clean;
                _result.Faulty += faulty;
                _result.Refused += refused;
            }
        }
    }

    // True when there were enough failures.
    private bool Fail(FuzzCase failing, long number, string verdict)
    {
        var steps = new List<string>();
        byte[] image = failing.Build(steps);
        byte[] shrunk = Shrinker.ShrinkCase(failing, candidate => Judge.Try(candidate, out _));
        string name = string.Create(CultureInfo.InvariantCulture, $"failure-{options.Seed}-{number}");
        string path = Path.Combine(options.Directory, name + ".img");
        File.WriteAllBytes(path, image);
        File.WriteAllBytes(Path.Combine(options.Directory, name + ".min.img"), shrunk);
        File.WriteAllText(Path.Combine(options.Directory, name + ".txt"), verdict);
        lock (_resultMu)
        {
            _result.Failures.Add(new CampaignFailure(number, verdict, path));
            output.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"FAILED seed {options.Seed} case {number} ({failing.SeedName}: {string.Join(", ", steps)}): {verdict}\n  image: {path} ({image.Length} bytes, shrunk to {shrunk.Length})\n  replay: dotnet run --project fuzz/Tupelo.Fuzz.Images -c Release -- --seed {options.Seed} --case {number}"));
            output.Flush();
            return _result.Failures.Count >= options.MaxFailures;
        }
    }

    private void Watch(MemoryMappedViewAccessor view, long[] since)
    {
        for (int worker = 0; worker < since.Length; worker++)
        {
            long began = Volatile.Read(ref since[worker]);
            if (began != 0 && Environment.TickCount64 - began > HangMilliseconds)
            {
                long number = view.ReadInt64((worker * 16) + 8);
                string path = Path.Combine(options.Directory, string.Create(CultureInfo.InvariantCulture, $"hang-{options.Seed}-{number}.img"));
                File.WriteAllBytes(path, new FuzzCase(options.Seed, number).Build());
                string message = $"HANG seed {options.Seed} case {number}: no answer after {HangMilliseconds} ms\n  image: {path}";
                Console.Error.WriteLine(message);
                Environment.FailFast(message);
            }
        }
    }
}
