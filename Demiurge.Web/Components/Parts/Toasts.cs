using Demiurge.Core;
using Radzen;

namespace Demiurge.Web.Components.Parts;

/// <summary>The two things a page says in passing: that something was done, and why something was refused.</summary>
public static class Toasts
{
    public static void Tell(this NotificationService notifications, string text) =>
        notifications.Notify(NotificationSeverity.Success, text, duration: 4000);

    public static void Refuse(this NotificationService notifications, Error error) =>
        notifications.Notify(NotificationSeverity.Error, error.Message, duration: 8000);
}
