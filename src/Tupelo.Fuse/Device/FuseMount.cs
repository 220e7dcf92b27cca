// FuseMount makes and ends a mount: by mount(2) for root, by the set-uid helper fusermount3 for others, which hands the device's
// descriptor over a socket (_FUSE_COMMFD). Source: mount.fuse3(8), fusermount3(1), the kernel's filesystems/fuse.rst.
using System.Diagnostics;
using System.Globalization;
using System.Runtime.Versioning;

namespace Tupelo.Fuse;

/// <summary>A mounted FUSE file system that nobody serves yet.</summary>
[SupportedOSPlatform("linux")]
public sealed unsafe class FuseMount
{
    private const string Helper = "fusermount3";
    private const string TypeName = "fuse.tupelo";

    private FuseMount(int descriptor, string directory)
    {
        Descriptor = descriptor;
        Directory = directory;
    }

    /// <summary>Of /dev/fuse; whoever serves it closes it.</summary>
    internal int Descriptor { get; }

    /// <summary>The mount point, absolute.</summary>
    public string Directory { get; }

    /// <summary>Mounts at a directory that exists.</summary>
    /// <exception cref="FuseMountException">It was refused.</exception>
    public static FuseMount Make(string directory, FuseMountOptions options)
    {
        string target = Path.GetFullPath(directory);
        int descriptor = LinuxCalls.EffectiveUid() == 0 ? MountDirectly(target, options) : MountByHelper(target, options);
        return new FuseMount(descriptor, target);
    }

    /// <summary>Ends whatever is mounted at a directory.</summary>
    /// <param name="directory">The mount point.</param>
    /// <param name="lazy">Out of sight now, ended when nobody uses it any more.</param>
    /// <exception cref="FuseMountException">It was refused, for example with EBUSY.</exception>
    public static void Unmount(string directory, bool lazy = false)
    {
        if (LinuxCalls.EffectiveUid() == 0)
        {
            if (LinuxCalls.Unmount(directory, LinuxCalls.UMOUNT_NOFOLLOW | (lazy ? LinuxCalls.MNT_DETACH : 0)) != 0)
            {
                Errno errno = LinuxCalls.LastError;
                throw new FuseMountException($"cannot unmount '{directory}': {errno.Describe()}", errno);
            }
            return;
        }
        (int code, string message) = RunHelper(lazy ? ["-u", "-z", "--", directory] : ["-u", "--", directory], null);
        if (code != 0)
        {
            throw new FuseMountException(message, message.Contains("busy", StringComparison.OrdinalIgnoreCase) ? Errno.EBUSY : Errno.None);
        }
    }

    // Root's way to end a connection whatever uses it: requests under way fail, the mount goes out of sight.
    internal static void Abort(string directory) =>
        _ = LinuxCalls.Unmount(directory, LinuxCalls.MNT_FORCE | LinuxCalls.MNT_DETACH | LinuxCalls.UMOUNT_NOFOLLOW);

    private static int MountDirectly(string target, FuseMountOptions options)
    {
        int descriptor = LinuxCalls.Open("/dev/fuse", LinuxCalls.O_RDWR | LinuxCalls.O_CLOEXEC, 0);
        if (descriptor < 0)
        {
            Errno errno = LinuxCalls.LastError;
            throw new FuseMountException($"cannot open /dev/fuse: {errno.Describe()} (is the kernel's fuse module there?)", errno);
        }
        string data = string.Create(
            CultureInfo.InvariantCulture,
            $"fd={descriptor},rootmode=40000,user_id={LinuxCalls.EffectiveUid()},group_id={LinuxCalls.EffectiveGid()}");
        data += (options.DefaultPermissions ? ",default_permissions" : "") + (options.AllowOther ? ",allow_other" : "");
        if (LinuxCalls.Mount(options.Source, target, TypeName, (nuint)FlagsOf(options), data) != 0)
        {
            Errno errno = LinuxCalls.LastError;
            _ = LinuxCalls.Close(descriptor);
            throw new FuseMountException($"cannot mount on '{target}': {errno.Describe()}", errno);
        }
        return descriptor;
    }

    private static MountFlags FlagsOf(FuseMountOptions options) =>
        (options.ReadOnly ? MountFlags.ReadOnly : 0)
        | (options.NoSetUid ? MountFlags.NoSetUid : 0)
        | (options.NoDevices ? MountFlags.NoDevices : 0)
        | (options.NoExec ? MountFlags.NoExec : 0)
        | (options.NoAccessTime ? MountFlags.NoAccessTime : 0)
        | (options.Synchronous ? MountFlags.Synchronous : 0)
        | (options.DirectorySync ? MountFlags.DirectorySync : 0);

    private static int MountByHelper(string target, FuseMountOptions options)
    {
        int* pair = stackalloc int[2];
        if (LinuxCalls.SocketPair(LinuxCalls.AF_UNIX, LinuxCalls.SOCK_STREAM, 0, pair) != 0)
        {
            throw new FuseMountException($"cannot make a socket pair: {LinuxCalls.LastError.Describe()}", LinuxCalls.LastError);
        }
        try
        {
            // Ours must not be inherited: its end tells us that the helper has ended.
            _ = LinuxCalls.Fcntl(pair[1], LinuxCalls.F_SETFD, LinuxCalls.FD_CLOEXEC);
            (int code, string message) = RunHelper(["-o", HelperOptions(options), "--", target], pair[0]);
            if (code != 0)
            {
                throw new FuseMountException(message, Errno.None);
            }
            int descriptor = ReceiveDescriptor(pair[1]);
            return descriptor >= 0 ? descriptor : throw new FuseMountException($"{Helper} has handed over no descriptor", Errno.None);
        }
        finally
        {
            _ = LinuxCalls.Close(pair[0]);
            _ = LinuxCalls.Close(pair[1]);
        }
    }

    private static string HelperOptions(FuseMountOptions options)
    {
        string source = options.Source.Replace("\\", "\\\\", StringComparison.Ordinal).Replace(",", "\\,", StringComparison.Ordinal);
        return (options.ReadOnly ? "ro" : "rw")
            + ",nosuid,nodev"
            + (options.NoExec ? ",noexec" : "")
            + (options.NoAccessTime ? ",noatime" : "")
            + (options.Synchronous ? ",sync" : "")
            + (options.DirectorySync ? ",dirsync" : "")
            + (options.DefaultPermissions ? ",default_permissions" : "")
            + (options.AllowOther ? ",allow_other" : "")
            + ",subtype=tupelo,fsname=" + source;
    }

    private static (int Code, string Message) RunHelper(IReadOnlyList<string> arguments, int? socket)
    {
        var start = new ProcessStartInfo(Helper) { RedirectStandardError = true, UseShellExecute = false };
        foreach (string argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }
        if (socket is { } descriptor)
        {
            start.Environment["_FUSE_COMMFD"] = descriptor.ToString(CultureInfo.InvariantCulture);
        }
        try
        {
            using Process process = Process.Start(start)!;
            string message = process.StandardError.ReadToEnd().Trim();
            process.WaitForExit();
            return (process.ExitCode, message.Length > 0 ? message : $"{Helper} failed with code {process.ExitCode}");
        }
        catch (System.ComponentModel.Win32Exception missing)
        {
            throw new FuseMountException($"cannot run {Helper}: {missing.Message} (install the package fuse3)", Errno.ENOENT);
        }
    }

    private static int ReceiveDescriptor(int socket)
    {
        byte data;
        byte* control = stackalloc byte[64];
        var segment = new IoVec(&data, 1);
        var message = new LinuxCalls.MessageHeader { Segments = &segment, SegmentCount = 1, Control = control, ControlLength = 64 };
        nint received;
        do
        {
            received = LinuxCalls.ReceiveMessage(socket, &message, LinuxCalls.MSG_CMSG_CLOEXEC);
        }
        while (received < 0 && LinuxCalls.LastError == Errno.EINTR);
        var header = (LinuxCalls.ControlHeader*)control;
        bool carries = received > 0 && message.ControlLength >= (nuint)sizeof(LinuxCalls.ControlHeader) + sizeof(int)
            && header->Level == LinuxCalls.SOL_SOCKET && header->Type == LinuxCalls.SCM_RIGHTS;
        return carries ? *(int*)(control + sizeof(LinuxCalls.ControlHeader)) : -1;
    }
}
