// Bugs seeded in the source of the file system itself: each is one change of a line or two. The sources are copied, changed, built and
// set upon by the hunt of SeededBugs.cs, which must find something. One that does not apply any more is a failure too: then the code has
// changed, and the bug has to be put where it belongs now.
using System.Diagnostics;
using System.Globalization;

namespace Tupelo.Fuzz.Crash;

/// <summary>One change.</summary>
internal sealed record SourceMutant(string What, string Source, string Old, string New)
{
    private const string Tfs = "src/Tupelo.Tfs/";
    private const string Mounted = Tfs + "Mounted/";

    public static IReadOnlyList<SourceMutant> All { get; } =
    [
        new("a commit returns before its flush", Mounted + "TfsLog.cs", "        Errno errno = Append(records);\n        errno = errno == Errno.None ? _device.Flush() : errno;", "        Errno errno = Append(records);"),
        new("data is not flushed before the log", Mounted + "TfsCommitter.cs", "if (data != _dataFlushed)", "if (data < _dataFlushed)"),
        new("freed sectors are free before their commit", Mounted + "TfsMetadata.cs", "            _allocator.Retire(count);\n            _retired.Add((start, count));", "            _allocator.Free(start, count);"),
        new("a new extension is not flushed before its link", Mounted + "TfsLog.cs", "next.Bytes);\n        errno = errno == Errno.None ? _device.Flush() : errno;", "next.Bytes);"),
        new("a new extension is not written", Mounted + "TfsLog.cs", "Errno errno = WriteDevice(start * TfsFormat.SectorBytes, next.Bytes);", "Errno errno = Errno.None;"),
        new("the old log is not kept until sector 0 is flushed", Mounted + "LogRewriter.cs", "errno = errno == Errno.None ? device.Flush() : errno;\n        return", "return"),
        new("an extent is logged before its data is written", Mounted + "FileExtents.cs", "_extents.Insert(index, entry);\n        if (!isPending)", "_extents.Insert(index, entry);\n        if (true)"),
        new("moved ranges are not made durable", Mounted + "TfsRegularFile.cs", "return Tfs.CommitStaged();", "return Errno.None;"),
        new("a rename is two operations", Mounted + "TfsDirectory.cs", "        using (Tfs.Metadata.Enter())\n        {\n            RenameLocked(ref request, (TfsDirectory)request.NewDirectory);\n        }", "        if (!request.Exchange)\n        {\n            using (Tfs.Metadata.Enter())\n            {\n                Tfs.Metadata.Unset(_children, Tfs.Metadata.Store.Symbols.Find(request.OldName));\n            }\n            _ = Tfs.CommitStaged();\n        }\n        using (Tfs.Metadata.Enter())\n        {\n            RenameLocked(ref request, (TfsDirectory)request.NewDirectory);\n        }"),
        new("a link count is forgotten", Mounted + "TfsDirectory.cs", "if (!victim.IsDirectory && victim.LinkCount > 1)", "if (!victim.IsDirectory && victim.LinkCount > 2)"),
        new("a link's count is not logged", Mounted + "TfsDirectory.cs", "if (target.LinkCount > 0)", "if (target.LinkCount > 1)"),
        new("a removed name is not logged", Mounted + "TfsMetadata.cs", "            ObsoleteEntries += 2;\n            Stage(tuple, symbol);", "            ObsoleteEntries += 2;"),
        new("chmod is not logged", Mounted + "TfsVnode.cs", "metadata.UpdateNumber(Tuple, metadata.Symbols.Mode, Mode.OfType(Type) | change.Permissions);", ""),
        new("the checksum is not looked at, and a torn commit is taken", Tfs + "Log/LogReader.cs", "        DropOpenCommit();\n", "        ApplyPending(0);\n"),
        new("an unfinished commit's sectors are not set back", Tfs + "Writing/LogExtension.cs", "if (!isPrepared)", "if (isPrepared && Used < 0)"),
        new("the sequence of commits stands still", Mounted + "TfsLog.cs", "checksum.Write(++Sequence", "checksum.Write(Sequence"),
        new("the last record is not in the checksum", Mounted + "TfsLog.cs", "            checksum.Append(record);", "            if (i < end - 1) checksum.Append(record);"),
        new("a zeroed tail is not written after a cut", "src/Tupelo.Block/CachedFile.cs", "        if (inPage == 0)\n", "        if (inPage >= 0)\n"),
        new("write-back forgets its last page", "src/Tupelo.Block/CachedFile.cs", "                long[] indexes = SortedIndexes();", "                long[] indexes = SortedIndexes() is { Length: > 1 } all ? all[..^1] : SortedIndexes();"),
        new("a failed write is not told", "src/Tupelo.Block/CachedFile.cs", "                    _map.WriteFailed(errno);\n                    return errno;", "                    return Errno.None;"),
        new("two files get the same sectors", Tfs + "Space/TfsAllocator.cs", "            bool removed = _free.Remove(start, count);\n            Debug.Assert(removed);\n            _reserved -= Math.Min(reserved, count);\n            return true;", "            _reserved -= Math.Min(reserved, count);\n            return true;"),
        new("fsync does not write its file's pages", Mounted + "TfsFileSystem.cs", "Errno errno = vnode.WriteBack();\n        Errno committed", "Errno errno = Errno.None;\n        Errno committed"),
        new("sync does not write pages", Mounted + "TfsFileSystem.cs", "Errno errno = WriteBackDirty();\n        Errno committed", "Errno errno = Errno.None;\n        Errno committed"),
        new("compaction forgets what it was to write", Mounted + "TfsFileSystem.Compaction.cs", "Errno errno = records.IsEmpty ? Errno.None : log.Append(records);", "Errno errno = Errno.None;"),
    ];

    /// <summary>Tries all of them, or those whose description has a word in it. True when every one was found.</summary>
    /// <param name="root">The repository.</param>
    /// <param name="work">Where the copies go.</param>
    /// <param name="word">Part of a description.</param>
    /// <param name="output">Gets a line for each.</param>
    public static bool TryAll(string root, string work, string word, TextWriter output)
    {
        string tree = Path.Combine(work, "tree");
        if (Directory.Exists(tree))
        {
            Directory.Delete(tree, recursive: true);
        }
        foreach (string part in new[] { "src/Tupelo.Abi", "src/Tupelo.Block", "src/Tupelo.Vfs", "src/Tupelo.Tfs", "fuzz/Tupelo.Fuzz.Crash" })
        {
            CopySources(Path.Combine(root, part), Path.Combine(tree, part));
        }
        foreach (string file in new[] { "Directory.Build.props", "Directory.Packages.props", "global.json", ".editorconfig" })
        {
            File.Copy(Path.Combine(root, file), Path.Combine(tree, file));
        }
        int found = 0;
        SourceMutant[] chosen = [.. All.Where(mutant => mutant.What.Contains(word, StringComparison.OrdinalIgnoreCase))];
        foreach (SourceMutant mutant in chosen)
        {
            string verdict = mutant.Try(tree, out bool wasFound);
            found += wasFound ? 1 : 0;
            output.WriteLine($"{(wasFound ? "found" : "NOT FOUND")}: {mutant.What}: {verdict}");
        }
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{found} of {chosen.Length} seeded bugs found"));
        return found == chosen.Length;
    }

    private static void CopySources(string from, string to)
    {
        _ = Directory.CreateDirectory(to);
        foreach (string file in Directory.EnumerateFiles(from))
        {
            File.Copy(file, Path.Combine(to, Path.GetFileName(file)));
        }
        foreach (string directory in Directory.EnumerateDirectories(from).Where(static directory => Path.GetFileName(directory) is not ("bin" or "obj")))
        {
            CopySources(directory, Path.Combine(to, Path.GetFileName(directory)));
        }
    }

    private static int Start(string directory, string arguments, out string said)
    {
        using var process = Process.Start(new ProcessStartInfo("dotnet", arguments) { WorkingDirectory = directory, RedirectStandardOutput = true, RedirectStandardError = true })!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        said = output + errors.Result;
        return process.ExitCode;
    }

    private string Try(string tree, out bool wasFound)
    {
        wasFound = false;
        string path = Path.Combine(tree, Source);
        string source = File.ReadAllText(path);
        if (source.Split(Old).Length != 2)
        {
            return "it does not apply: the text to change is not there once";
        }
        File.WriteAllText(path, source.Replace(Old, New, StringComparison.Ordinal));
        try
        {
            if (Start(tree, "build fuzz/Tupelo.Fuzz.Crash -c Release -nologo -v quiet -m:1 -p:RunAnalyzers=false -p:TreatWarningsAsErrors=false", out string said) != 0)
            {
                return "it does not build: " + said.Split('\n').FirstOrDefault(static line => line.Contains("error", StringComparison.Ordinal));
            }
            int code = Start(tree, Path.Combine("fuzz", "Tupelo.Fuzz.Crash", "bin", "Release", "net10.0", "Tupelo.Fuzz.Crash.dll") + " --hunt 1", out said);
            wasFound = code != 0;
            return said.Split('\n')[0].Trim();
        }
        finally
        {
            File.WriteAllText(path, source);
        }
    }
}
