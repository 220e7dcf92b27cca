// sd_notify(3): tells systemd about a service's state, over the datagram socket that NOTIFY_SOCKET names.
using System.Net.Sockets;
using System.Text;

namespace Tupelo.Cli;

internal static class SystemdNotification
{
    public static void Send(string state)
    {
        if (Environment.GetEnvironmentVariable("NOTIFY_SOCKET") is not { Length: > 1 } address)
        {
            return;
        }
        try
        {
            using var socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
            // A name that begins with '@' is of the abstract kind: its first byte is 0.
            _ = socket.SendTo(Encoding.UTF8.GetBytes(state), new UnixDomainSocketEndPoint(address[0] == '@' ? "\0" + address[1..] : address));
        }
        catch (SocketException)
        {
            // Nobody listens: then nobody needs to know.
        }
    }
}
