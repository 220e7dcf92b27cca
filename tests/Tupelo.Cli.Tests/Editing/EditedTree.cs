// What an image holds, as text that can be compared: read by the mounted file system, or by the independent reader; and the same of a
// directory of the host.
using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Tupelo.Block;
using Tupelo.Testing.Images;
using Tupelo.Tests;
using Tupelo.Tfs;

namespace Tupelo.Cli.Tests;

internal static class EditedTree
{
    /// <summary>Path to mode, owner, link count, size, device, content, target and xattrs, of all entries; and the root's attributes.</summary>
    public static Dictionary<string, string> OfDevice(BlockDevice device)
    {
        using var machine = new VfsMachine(device);
        Dictionary<string, string> tree = machine.Tree();
        foreach (TfsAttributes attribute in machine.Volume!.Volume.AttributesOf(machine.Volume.Volume.Root))
        {
            string name = Encoding.UTF8.GetString(attribute.Name);
            if (name != "children" && !name.StartsWith("tupelo_", StringComparison.Ordinal) && name is not ("mtime" or "atime"))
            {
                tree["attribute " + name] = Invocation.Succeeded(device, "env", "--json", "image").Output;
            }
        }
        return tree;
    }

    /// <summary>As `find` tells of a host directory: type and permissions, owner, links, size or target, content.</summary>
    public static SortedDictionary<string, string> OfHost(string directory) => Parse(HostTool.Run(directory,
        "find . -mindepth 1 \\( -type d -printf '%P\\t%y %m %U:%G\\n' \\) -o \\( -type l -printf '%P\\t%y %U:%G %l\\n' \\) -o -printf '%P\\t%y %m %U:%G %n %s %T@\\n'"), directory);

    /// <summary>The same of an image, by `tupelo stat --json`.</summary>
    public static SortedDictionary<string, string> OfImage(string image)
    {
        var tree = new SortedDictionary<string, string>(StringComparer.Ordinal);
        using FileBlockDevice device = FileBlockDevice.Open(image, new FileBlockDeviceOptions { ReadOnly = true });
        using var machine = new VfsMachine(device, readOnly: true);
        foreach (string path in machine.Tree().Keys.Where(path => path != "/"))
        {
            Stat stat = default;
            Assert.Equal(0, machine.Calls.LStat(Encoding.UTF8.GetBytes(path), ref stat));
            string owner = string.Create(CultureInfo.InvariantCulture, $"{stat.Uid}:{stat.Gid}");
            string mode = Convert.ToString(stat.Mode & Mode.PermissionMask, 8);
            byte[] target = new byte[4096];
            tree[path[1..]] = stat.Type switch
            {
                FileType.Directory => $"d {mode} {owner}",
                FileType.Symlink => $"l {owner} {Encoding.UTF8.GetString(target.AsSpan(0, (int)machine.Calls.ReadLinkAt(AtFd.CurrentDirectory, Encoding.UTF8.GetBytes(path), target)))}",
                FileType.Regular => string.Create(CultureInfo.InvariantCulture, $"f {mode} {owner} {stat.LinkCount} {stat.SizeBytes} {Hash(machine.ReadAll(path))}"),
                _ => string.Create(CultureInfo.InvariantCulture, $"{(stat.Type == FileType.Fifo ? 'p' : 'c')} {mode} {owner} {stat.LinkCount} 0"),
            };
        }
        return tree;
    }

    /// <summary>The image passes the independent reader's inspection, and that reader finds the same files.</summary>
    public static void CheckIndependently(BlockDevice device, IEnumerable<string> paths)
    {
        var volume = TfsVolume.Open(device);
        IndependentVolume independent = IndependentVolume.Read(new ImageBytes(device.SizeBytes, (offset, buffer) => Assert.Equal(Errno.None, device.Read(offset, buffer))));
        Assert.Empty(LogLint.Check(independent.Log, new LintOptions(Fresh: false)));
        Assert.Equal(paths.Where(path => path.StartsWith('/') && path != "/").Order(StringComparer.Ordinal),
            independent.Entries.Select(entry => entry.PathText).Where(path => path is not ("" or "/")).Order(StringComparer.Ordinal));
        Assert.Empty(volume.Faults);
        Assert.Empty(TfsSpaceMap.Build(volume).Faults);
    }

    private static SortedDictionary<string, string> Parse(string found, string directory)
    {
        var tree = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (string line in found.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            string[] parts = line.Split('\t');
            string what = parts[1];
            if (what[0] == 'f')
            {
                what = what[..what.LastIndexOf(' ')] + " " + Hash(File.ReadAllBytes(Path.Combine(directory, parts[0])));
            }
            else if (what[0] is 'p' or 'c')
            {
                what = what[..what.LastIndexOf(' ')];
            }
            tree[parts[0]] = what;
        }
        return tree;
    }

    private static string Hash(byte[] bytes) => Convert.ToHexString(SHA256.HashData(bytes))[..16];
}

/// <summary>Runs a shell line of the host.</summary>
internal static class HostTool
{
    public static string Run(string directory, string line) => Run(directory, line, out int code) is var output && code == 0 ? output : throw new InvalidOperationException($"{line}: {code}\n{output}");

    public static string Run(string directory, string line, out int code)
    {
        var start = new ProcessStartInfo("/bin/sh") { WorkingDirectory = directory, RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true };
        start.ArgumentList.Add("-c");
        start.ArgumentList.Add(line);
        start.Environment["LC_ALL"] = "C";
        using Process process = Process.Start(start)!;
        process.StandardInput.Close();
        Task<string> error = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        code = process.ExitCode;
        return output + error.Result;
    }
}
