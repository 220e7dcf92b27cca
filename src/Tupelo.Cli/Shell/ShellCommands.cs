// The commands of the shell. Each is a small relative of its POSIX namesake; "help" lists them.
using System.Globalization;
using System.Text;
using Tupelo.FileSystems;

namespace Tupelo.Cli;

internal sealed partial class Shell
{
    private const string Help = """
        cat FILE...                cd [DIR]                   chmod MODE FILE...         cp [-r] FROM TO
        df [PATH]                  echo WORD...               exit [CODE]                find [DIR]
        ln [-s] TARGET NAME        ls [-l] [-a] [PATH...]     mkdir [-p] DIR...          mount [-t TYPE] [-o OPTIONS] [SOURCE] DIR
        mv FROM TO                 pwd                        rm [-r] [-f] PATH...       rmdir DIR...
        set -e | +e                stat PATH...               touch FILE...              truncate SIZE FILE...
        umount DIR...              xattr PATH [NAME [VALUE]]
        'quotes', "quotes", \ and # work; output goes to a file with > and >>; ; separates commands.

        """;

    private int Dispatch(IReadOnlyList<string> words)
    {
        var options = new HashSet<char>();
        var arguments = new List<string>();
        string name = words[0];
        bool verbatim = name is "echo" or "mount" or "set";
        foreach (string word in words.Skip(1))
        {
            if (!verbatim && word is ['-', not '-', ..] && arguments.Count == 0)
            {
                options.UnionWith(word.Skip(1));
            }
            else
            {
                arguments.Add(word);
            }
        }
        switch (name)
        {
            case "cat":
                Each(arguments, options, "", Cat);
                break;
            case "cd":
                Allow(options, "", arguments, 0, 1);
                _ = Check(_sys.ChDir(Bytes(arguments.Count > 0 ? arguments[0] : "/")), arguments.Count > 0 ? arguments[0] : "/");
                break;
            case "chmod":
                Allow(options, "", arguments, 2, int.MaxValue);
                uint mode = Octal(arguments[0]);
                arguments.Skip(1).ToList().ForEach(path => Check(_sys.FChModAt2(AtFd.CurrentDirectory, Bytes(path), mode), path));
                break;
            case "cp":
                Allow(options, "r", arguments, 2, 2);
                Copy(arguments[0], Destination(arguments[0], arguments[1]), options.Contains('r'));
                break;
            case "df":
                Allow(options, "", arguments, 0, 1);
                DiskFree(arguments.Count > 0 ? arguments[0] : ".");
                break;
            case "echo":
                Print(string.Join(' ', arguments) + "\n");
                break;
            case "exit":
                Allow(options, "", arguments, 0, 1);
                Exit = arguments.Count == 0 ? ExitCode.Done
                    : byte.TryParse(arguments[0], out byte code) ? code : throw new UsageException($"'{arguments[0]}' is no exit code");
                return Exit.Value;
            case "find":
                Allow(options, "", arguments, 0, 1);
                Find(arguments.Count > 0 ? arguments[0] : ".");
                break;
            case "help":
                Print(Help);
                break;
            case "ln":
                Allow(options, "s", arguments, 2, 2);
                _ = Check(
                    options.Contains('s')
                        ? _sys.SymlinkAt(Bytes(arguments[0]), AtFd.CurrentDirectory, Bytes(arguments[1]))
                        : _sys.LinkAt(AtFd.CurrentDirectory, Bytes(arguments[0]), AtFd.CurrentDirectory, Bytes(arguments[1])),
                    arguments[1]);
                break;
            case "ls":
                Allow(options, "la", arguments, 0, int.MaxValue);
                List(arguments.Count > 0 ? arguments : ["."], options.Contains('l'), options.Contains('a'));
                break;
            case "mkdir":
                Each(arguments, options, "p", path => MakeDirectory(path, options.Contains('p')));
                break;
            case "mount":
                MountCommand(arguments);
                break;
            case "mv":
                Allow(options, "", arguments, 2, 2);
                string target = Destination(arguments[0], arguments[1]);
                _ = Check(_sys.RenameAt2(AtFd.CurrentDirectory, Bytes(arguments[0]), AtFd.CurrentDirectory, Bytes(target)), $"{arguments[0]} to {target}");
                break;
            case "pwd":
                Print(Directory + "\n");
                break;
            case "rm":
                Each(arguments, options, "rf", path => Remove(path, options.Contains('r'), options.Contains('f')));
                break;
            case "rmdir":
                Each(arguments, options, "", path => Check(_sys.UnlinkAt(AtFd.CurrentDirectory, Bytes(path), AtFlags.RemoveDirectory), path));
                break;
            case "set":
                _stopAtErrors = arguments is ["-e"] || (arguments is ["+e"] ? false : throw new UsageException("-e and +e are known"));
                break;
            case "stat":
                Each(arguments, options, "", PrintStat);
                break;
            case "touch":
                Each(arguments, options, "", Touch);
                break;
            case "truncate":
                Allow(options, "", arguments, 2, int.MaxValue);
                long size = long.TryParse(arguments[0], NumberStyles.None, CultureInfo.InvariantCulture, out long parsed)
                    ? parsed : throw new UsageException($"'{arguments[0]}' is no size in bytes");
                arguments.Skip(1).ToList().ForEach(path => Check(_sys.Truncate(Bytes(path), size), path));
                break;
            case "umount":
                Each(arguments, options, "", path => Check(_sys.Umount2(Bytes(path)), path));
                break;
            case "xattr":
                Allow(options, "", arguments, 1, 3);
                Xattr(arguments);
                break;
            default:
                throw new UsageException("no such command; 'help' lists them");
        }
        return ExitCode.Done;
    }

    private static void Allow(HashSet<char> options, string known, List<string> arguments, int least, int most)
    {
        foreach (char option in options)
        {
            if (!known.Contains(option))
            {
                throw new UsageException($"'-{option}' is no option here");
            }
        }
        if (arguments.Count < least || arguments.Count > most)
        {
            throw new UsageException($"{arguments.Count} arguments; 'help' tells what it takes");
        }
    }

    private static void Each(List<string> arguments, HashSet<char> options, string known, Action<string> action)
    {
        Allow(options, known, arguments, 1, int.MaxValue);
        arguments.ForEach(action);
    }

    private static void Each(List<string> arguments, HashSet<char> options, string known, Func<string, long> action) =>
        Each(arguments, options, known, path => { _ = action(path); });

    private static uint Octal(string text)
    {
        uint mode = 0;
        foreach (char digit in text)
        {
            mode = digit is >= '0' and <= '7' && mode < 512 ? (mode << 3) | (uint)(digit - '0') : throw new UsageException($"'{text}' is no octal mode");
        }
        return text.Length > 0 ? mode : throw new UsageException("an octal mode is needed");
    }

    // Into a directory under its own name.
    private string Destination(string from, string to) =>
        TryStat(to) is { Type: FileType.Directory } ? Join(to, from.TrimEnd('/').Split('/')[^1]) : to;

    private void Cat(string path)
    {
        int fd = Open(path, OpenFlags.ReadOnly);
        byte[] buffer = new byte[128 * 1024];
        try
        {
            long count;
            while ((count = Check(_sys.Read(fd, buffer), path)) > 0)
            {
                _output.Write(buffer, 0, (int)count);
            }
        }
        finally
        {
            _ = _sys.Close(fd);
        }
    }

    private void Copy(string from, string to, bool recursive)
    {
        Stat stat = StatOf(from, follow: !recursive);
        switch (stat.Type)
        {
            case FileType.Directory when recursive:
                if (_sys.MkDirAt(AtFd.CurrentDirectory, Bytes(to), (stat.Mode & Mode.PermissionMask) | 0x1C0) is < 0 and var made && made != -(long)Errno.EEXIST)
                {
                    _ = Check(made, to);
                }
                Stat target = StatOf(to, follow: true);
                // Listed before anything is made, and never into itself.
                foreach (string name in NamesIn(from))
                {
                    Stat child = StatOf(Join(from, name), follow: false);
                    if (child.Device == target.Device && child.Ino == target.Ino)
                    {
                        throw new CommandException($"{to} is inside of {from}");
                    }
                    Copy(Join(from, name), Join(to, name), recursive: true);
                }
                break;
            case FileType.Directory:
                throw new CommandException($"{from} is a directory (-r copies it)");
            case FileType.Symlink:
                byte[] link = new byte[4096];
                int length = (int)Check(_sys.ReadLinkAt(AtFd.CurrentDirectory, Bytes(from), link), from);
                _ = Check(_sys.SymlinkAt(link.AsSpan(0, length), AtFd.CurrentDirectory, Bytes(to)), to);
                break;
            case FileType.Regular:
                CopyFile(from, to, stat);
                break;
            default:
                _ = Check(_sys.MkNodAt(AtFd.CurrentDirectory, Bytes(to), stat.Mode, stat.RawDevice), to);
                break;
        }
    }

    private void CopyFile(string from, string to, Stat stat)
    {
        if (TryStat(to) is { } there && there.Device == stat.Device && there.Ino == stat.Ino)
        {
            throw new CommandException($"{from} and {to} are the same file");
        }
        int source = Open(from, OpenFlags.ReadOnly);
        int target = -1;
        byte[] buffer = new byte[128 * 1024];
        try
        {
            target = Open(to, OpenFlags.WriteOnly | OpenFlags.Create | OpenFlags.Truncate, stat.Mode & Mode.PermissionMask);
            long count;
            while ((count = Check(_sys.Read(source, buffer), from)) > 0)
            {
                WriteAll(target, to, buffer.AsSpan(0, (int)count));
            }
        }
        finally
        {
            _ = _sys.Close(source);
            _ = target >= 0 ? _sys.Close(target) : 0;
        }
    }

    private void DiskFree(string path)
    {
        StatFs stat = default;
        _ = Check(_sys.StatFs(Bytes(path), ref stat), path);
        ulong unit = Math.Max(1, stat.BlockSizeBytes);
        Print($"{path}: {stat.BlockCount * unit} bytes, {stat.FreeBlocks * unit} free; {stat.FileCount} files, {stat.FreeFiles} free\n");
    }

    private void Find(string root)
    {
        var pending = new Stack<string>([root]);
        while (pending.TryPop(out string? path))
        {
            Print(path + "\n");
            if (StatOf(path, follow: false).Type == FileType.Directory)
            {
                foreach (string name in Enumerable.Reverse(NamesIn(path)))
                {
                    pending.Push(Join(path, name));
                }
            }
        }
    }

    private void List(List<string> paths, bool isLong, bool all)
    {
        foreach (string path in paths)
        {
            bool isDirectory = StatOf(path, follow: true).Type == FileType.Directory;
            Print(paths.Count > 1 && isDirectory ? path + ":\n" : string.Empty);
            foreach (string name in isDirectory ? [.. all ? new[] { ".", ".." } : [], .. NamesIn(path)] : new List<string> { path })
            {
                if (isDirectory && !all && name.StartsWith('.'))
                {
                    continue;
                }
                Print(isLong ? Describe(isDirectory ? Join(path, name) : path, name) : NameText.Escape(name) + "\n");
            }
        }
    }

    private string Describe(string path, string name)
    {
        Stat stat = StatOf(path, follow: false);
        string target = string.Empty;
        if (stat.Type == FileType.Symlink)
        {
            byte[] link = new byte[4096];
            long length = _sys.ReadLinkAt(AtFd.CurrentDirectory, Bytes(path), link);
            target = length > 0 ? " -> " + NameText.Escape(Encoding.UTF8.GetString(link, 0, (int)length)) : string.Empty;
        }
        string size = stat.Type is FileType.CharDevice or FileType.BlockDevice
            ? $"{Tupelo.DeviceNumber.Major(stat.RawDevice)},{Tupelo.DeviceNumber.Minor(stat.RawDevice)}" : stat.SizeBytes.ToString(CultureInfo.InvariantCulture);
        string time = stat.ModifyTime.ToDateTimeOffset().ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture);
        return $"{ModeText(stat)} {stat.LinkCount,3} {stat.Uid,5} {stat.Gid,5} {size,10} {time} {NameText.Escape(name)}{target}\n";
    }

    private static string ModeText(Stat stat)
    {
        char[] text = "?rwxrwxrwx".ToCharArray();
        text[0] = stat.Type switch
        {
            FileType.Directory => 'd', FileType.Symlink => 'l', FileType.CharDevice => 'c', FileType.BlockDevice => 'b', FileType.Fifo => 'p', FileType.Socket => 's', _ => '-',
        };
        for (int i = 0; i < 9; i++)
        {
            text[i + 1] = (stat.Mode & (0x100u >> i)) != 0 ? text[i + 1] : '-';
        }
        return new string(text);
    }

    private void MakeDirectory(string path, bool parents)
    {
        for (int at = path.IndexOf('/', 1); parents && at > 0; at = path.IndexOf('/', at + 1))
        {
            long made = _sys.MkDirAt(AtFd.CurrentDirectory, Bytes(path[..at]), 0x1FF);
            _ = made == -(long)Errno.EEXIST ? 0 : Check(made, path[..at]);
        }
        long last = _sys.MkDirAt(AtFd.CurrentDirectory, Bytes(path), 0x1FF);
        if (!(parents && last == -(long)Errno.EEXIST && TryStat(path) is { Type: FileType.Directory }))
        {
            _ = Check(last, path);
        }
    }

    private void MountCommand(List<string> arguments)
    {
        if (arguments.Count == 0)
        {
            Print(MountText.Mounts(_context));
            return;
        }
        string? type = null;
        string options = string.Empty;
        var rest = new List<string>();
        for (int i = 0; i < arguments.Count; i++)
        {
            if (arguments[i] is "-t" or "-o")
            {
                string value = i + 1 < arguments.Count ? arguments[i + 1] : throw new UsageException($"{arguments[i]} needs a value");
                type = arguments[i] is "-t" ? value : type;
                options = arguments[i] is "-o" ? value : options;
                i++;
                continue;
            }
            rest.Add(arguments[i]);
        }
        if (rest.Count is 0 or > 2)
        {
            throw new UsageException("[-t TYPE] [-o OPTIONS] [SOURCE] DIR");
        }
        MountOptionList list = MountOptionList.Parse(options);
        string source = rest.Count == 2 ? rest[0] : string.Empty;
        _ = Check(_sys.Mount(Bytes(source), Bytes(rest[^1]), type is null ? default : Bytes(type), list.Flags, Bytes(list.Data)), rest[^1]);
    }

    private void Remove(string path, bool recursive, bool force)
    {
        if (TryStat(path, follow: false) is not { } stat)
        {
            _ = force ? 0 : Check(-(long)Errno.ENOENT, path);
            return;
        }
        if (stat.Type == FileType.Directory && recursive)
        {
            NamesIn(path).ForEach(name => Remove(Join(path, name), recursive: true, force));
        }
        _ = Check(_sys.UnlinkAt(AtFd.CurrentDirectory, Bytes(path), stat.Type == FileType.Directory && recursive ? AtFlags.RemoveDirectory : AtFlags.None), path);
    }

    private void PrintStat(string path)
    {
        Stat stat = StatOf(path, follow: false);
        Print($"{NameText.Escape(path)}: {stat.Type}, mode {Convert.ToString(stat.Mode & Mode.PermissionMask, 8)}, owner {stat.Uid}:{stat.Gid}, {stat.LinkCount} links, "
            + $"{stat.SizeBytes} bytes in {stat.Blocks512} blocks, inode {stat.Ino}, device {Tupelo.DeviceNumber.Major(stat.Device)}:{Tupelo.DeviceNumber.Minor(stat.Device)}\n");
    }

    private void Touch(string path)
    {
        _ = _sys.Close(Open(path, OpenFlags.WriteOnly | OpenFlags.Create | OpenFlags.NonBlock));
        _ = Check(_sys.UtimeNsAt(AtFd.CurrentDirectory, Bytes(path), default), path);
    }

    private void Xattr(List<string> arguments)
    {
        byte[] path = Bytes(arguments[0]);
        byte[] room = new byte[65536];
        switch (arguments.Count)
        {
            case 1:
                int length = (int)Check(_sys.ListXattrAt(AtFd.CurrentDirectory, path, AtFlags.None, room), arguments[0]);
                Print(Encoding.UTF8.GetString(room, 0, length).Replace('\0', '\n'));
                break;
            case 2:
                length = (int)Check(_sys.GetXattrAt(AtFd.CurrentDirectory, path, AtFlags.None, Bytes(arguments[1]), room), arguments[1]);
                Print(Encoding.UTF8.GetString(room, 0, length) + "\n");
                break;
            default:
                _ = Check(_sys.SetXattrAt(AtFd.CurrentDirectory, path, AtFlags.None, Bytes(arguments[1]), Bytes(arguments[2])), arguments[1]);
                break;
        }
    }
}
