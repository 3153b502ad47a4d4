"""Who walks which dog, and how far."""
from django.db import models, transaction
from django.utils import timezone
from django_prometheus.models import ExportModelOperationsMixin


class Walker(ExportModelOperationsMixin("walker"), models.Model):
    name = models.CharField(max_length=127)
    email = models.EmailField()

    class Meta:
        ordering = ["name"]

    def __str__(self):
        return self.name


class Dog(ExportModelOperationsMixin("dog"), models.Model):
    class Size(models.TextChoices):
        XS = "xs"
        SM = "sm"
        MD = "md"
        LG = "lg"
        XL = "xl"

    size = models.CharField(
        max_length=2, choices=Size.choices, default=Size.MD
    )
    name = models.CharField(max_length=127)
    age = models.PositiveSmallIntegerField()

    class Meta:
        ordering = ["name"]

    def __str__(self):
        return self.name


class Walk(ExportModelOperationsMixin("walk"), models.Model):
    dog = models.ForeignKey(Dog, models.CASCADE, related_name="walks")
    walker = models.ForeignKey(Walker, models.CASCADE, related_name="walks")
    distance = models.PositiveIntegerField(default=0, help_text="in metres")
    start_time = models.DateTimeField(null=True, blank=True)
    end_time = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-pk"]

    def __str__(self):
        return f"{self.dog} with {self.walker}"

    @property
    def is_complete(self):
        return self.end_time is not None

    @property
    def in_progress(self):
        return self.start_time is not None and not self.is_complete

    def start(self):
        self.start_time = timezone.now()
        self.save()

    def complete(self):
        """Save the walk as complete; False if it has been completed already.

        Of several who complete one walk at the same time, one does.
        """
        end_time = timezone.now()
        with transaction.atomic():
            # The condition is the database's to check, and a transaction that
            # begins with a write never has to turn a read lock into one.
            claimed = Walk.objects.filter(
                pk=self.pk, end_time__isnull=True
            ).update(end_time=end_time)
            if claimed:
                self.end_time = end_time
                self.save()
        return bool(claimed)
