from django import forms

from .models import Walk


class StartWalkForm(forms.ModelForm):
    class Meta:
        model = Walk
        fields = ["dog", "walker"]


class CompleteWalkForm(forms.ModelForm):
    distance = forms.IntegerField(
        min_value=0, max_value=100_000, help_text="in metres"
    )

    class Meta:
        model = Walk
        fields = ["distance"]
